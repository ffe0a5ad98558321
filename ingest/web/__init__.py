"""Articles from the web: safe requests, documents of sources (feeds, sitemaps, lists), and their polling."""
