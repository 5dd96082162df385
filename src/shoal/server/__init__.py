"""The workspace over HTTP: the tracking API, the JSON API, the processes behind them."""
