"""An exchange that lives in virtual time, and a market for it: what paper trading and backtests trade against."""
