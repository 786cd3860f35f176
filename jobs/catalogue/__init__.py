"""What can be asked for: themes, prices, prompt experiments and the models behind them. All of it is data."""
