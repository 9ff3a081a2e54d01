"""Owns the declarations of people and of pages of lists."""

from __future__ import annotations

from graphene import Boolean, Field, Int, List, NonNull, ObjectType, String

from app.api.connection import count_of
from app.api.context import resolver
from app.api.types.scalars import DateTime, Username


class User(ObjectType):
    """What anyone may know of a person."""

    username = NonNull(Username, description="The handle that payments are addressed to. It never changes.")
    display_name = NonNull(String, description="The name to be shown by. It may change, and others may have the same.")
    joined_at = NonNull(DateTime, description="When the person registered.")
    is_operator = NonNull(
        Boolean, description="Whether this is an account of those who run the wallet. They alone can say so: show it beside the name.",
    )


class PageInfo(ObjectType):
    """Where a page begins and ends, and whether there are others."""

    has_next_page = NonNull(Boolean, description="Whether more follow after `endCursor`.")
    has_previous_page = NonNull(Boolean, description="Whether this page was asked for by `after`.")
    start_cursor = String(description="The place of the first item; null on an empty page.")
    end_cursor = String(description="The place of the last item, to be sent as `after` for the next page; null on an empty page.")


class UserEdge(ObjectType):
    """A person and their place in the list."""

    cursor = NonNull(String, description="The place, to be sent as `after`.")
    node = Field(NonNull(User), description="The person.")


class UserConnection(ObjectType):
    """A page of people, in the order of their handles."""

    nodes = NonNull(List(NonNull(User)), description="The people of this page.")
    edges = NonNull(List(NonNull(UserEdge)), description="The same with their places.")
    page_info = Field(NonNull(PageInfo), description="Whether more follow.")
    total_count = Field(NonNull(Int), resolver=resolver(count_of), description="How many people the whole list has.")
