"""Where it runs and where bytes lie. ray and boto3 live here, and only here; knows no medicine."""
