"""The catalogue: themes, prices, prompt experiments and the models behind them. All of it is data."""
