"""A release: checked, versioned, built, tried, laid out in dist/ with its SBOM and hashes. Nothing leaves the machine.

version.py, changelog.py and contents.py decide, from text alone; tree.py is Git, artifacts.py builds, trial.py installs
and runs what was built, __main__.py does it in order.
"""
