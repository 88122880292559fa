"""Containers that hold many clips: zips, tars, parquet and HDF5, one module each, behind one protocol."""
