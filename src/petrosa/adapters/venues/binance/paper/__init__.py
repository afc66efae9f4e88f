"""The paper exchange: Binance's own protocol, served over the simulated matching engine."""
