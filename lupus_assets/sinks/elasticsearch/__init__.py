"""The verdicts and incidents as a search index in Elasticsearch."""
