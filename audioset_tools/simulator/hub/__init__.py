"""A small Hugging Face Hub on loopback: one data set of files in a folder, for the tests and benchmarks.

    write_mirror(folder, plan, table)
    with HubSimulator(folder) as hub:
        os.environ["HF_ENDPOINT"] = hub.address
        HfApi(hub.address).list_repo_tree(hub.repo, repo_type="dataset")
        hub.counts()

The unmodified huggingface_hub works against it.
"""

from .mirror import write_mirror
from .plan import HubPlan, HubRefusal
from .server import HubSimulator

__all__ = ["HubPlan", "HubRefusal", "HubSimulator", "write_mirror"]
