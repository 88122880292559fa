"""A data set in the forms that other people's readers read: one module a form."""
