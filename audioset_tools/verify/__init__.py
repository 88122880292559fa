"""Is what the workspace holds what it says it holds?"""
