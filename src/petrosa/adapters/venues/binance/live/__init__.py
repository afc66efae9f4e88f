"""An account on Binance, spot or USD-M futures: real, demo, testnet, or on the paper exchange."""
