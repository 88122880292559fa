"""Work as tasks: pure functions of their inputs, done by threads of this process or by an engine."""
