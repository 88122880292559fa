"""Taking clips out: excluded, or forgotten for good."""
