"""Bybit, as its v5 API speaks: public market data of spot and linear contracts. Orders there are not sent."""
