"""Where the browser's files are served from once `collectstatic` has run."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """Name every file after its content, and compress it.

    Vendored files stay as published, including comments that point at source maps which we do not
    ship: those are left alone instead of failing the collection. While nothing has been collected
    yet the plain names are used, which whitenoise finds in their folders.
    """

    support_js_module_import_aggregation = True
    # Only our own modules: others are bundles, or mention imports in their comments.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # noqa: SLF001
    )
    patterns = tuple(
        (glob, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for glob, rules in CompressedManifestStaticFilesStorage.patterns
    )

    def stored_name(self, name: str) -> str:
        """Return the hashed name, or the plain one while there is no manifest at all."""
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))
