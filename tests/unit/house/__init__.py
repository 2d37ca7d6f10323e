"""What holds for every module: the direction of imports, public lists, docstrings, drawn error trees."""
