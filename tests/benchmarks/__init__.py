"""Each bench_*.py measures one part of ours against a floor or a peer, in the same run: `make bench`."""
