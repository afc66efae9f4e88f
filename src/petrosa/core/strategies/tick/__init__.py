"""Strategies that listen to single facts: trades, tickers, the top of the book. One file each."""
