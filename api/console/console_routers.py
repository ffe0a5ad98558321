"""All routers of the console."""

from api.console import (
    article_pages,
    evaluation_pages,
    front_page_pages,
    model_pages,
    now_pages,
    operations_pages,
    reader_pages,
    rule_pages,
    sign_in_routes,
    webhook_pages,
)

ROUTERS = (
    sign_in_routes.open_router,
    sign_in_routes.router,
    now_pages.router,
    front_page_pages.router,
    article_pages.router,
    rule_pages.router,
    reader_pages.router,
    model_pages.router,
    evaluation_pages.router,
    operations_pages.router,
    webhook_pages.router,
)
