"""Live feed of one process: follows the log, loads articles and bundles, and logs the slates it shows.

Four names meet here. `FeedEngine` (of `recsys.feed`) answers a request from a state. `ServingEngine` is such an
engine with the encoder of its articles; it is replaced as a whole. `LiveEngine` keeps it up to date. `FeedService`
is the door: it holds the lock, gives each answer its time, and logs what it shows.
"""
