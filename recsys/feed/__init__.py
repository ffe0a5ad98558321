"""The feed: candidate retrieval, ranking, slate selection and explanations; `engine` runs the stages."""
