"""Normal profile of the articles of a log."""

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.normal_profile import Profile
from recsys.encoder.article_text import headlines
from recsys.encoder.bert import TextEncoder
from recsys.errors import DataError
from recsys.store import articles as article_store
from recsys.store.database import Database
from recsys.training.calibration.fit_detectors import observed
from recsys.training.calibration.title_corruption import DamagedTexts
from recsys.training.training_run import Progress


def profile_articles(
    database: Database, encoder: TextEncoder, most: int, seed: int, progress: Progress
) -> Profile:
    """Return attention statistics of at most `most` articles, drawn at random.

    Raises:
        DataError: there are no articles.
    """
    with database.read() as connection:
        articles, _ = article_store.upserted_since(connection, 0)
    if articles.is_empty():
        raise DataError("no articles to watch: run `attune ingest` first")
    drawn = articles.sample(min(most, articles.height), seed=seed, shuffle=True)
    tokens = encoder.tokenize(headlines(drawn))
    observations: list[Observation] = []
    for _, _, seen in observed(encoder, DamagedTexts(tokens, [])):
        observations.append(seen)
        progress("articles watched", sum(map(len, observations)), len(tokens))
    return Profile.of(observations)
