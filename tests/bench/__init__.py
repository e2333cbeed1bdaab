"""Benchmarks: `make bench`, or `make bench BENCH=import DATA=reviews.csv`."""
