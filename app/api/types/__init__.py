"""Owns the declarations of the public API in Graphene's words. They only declare; what a field does is in `app.api.resolvers`."""
