"""Pages for people: templates, words in two languages, style, and the forms behind them."""
