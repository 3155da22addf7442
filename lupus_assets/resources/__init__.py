"""Where things are: typed Dagster resources, and the environments that choose among them."""
