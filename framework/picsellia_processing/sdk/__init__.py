"""The only package that imports the vendor's SDK: few, bulk calls, retried."""
