"""What an imported release of SNOMED CT says: concepts, what falls under what, and simple reference sets.

Written whole by ``communities.terminology``; empty until a release is imported, for which the operator needs a licence.
"""

from django.db import models

from privacy.classes import Privacy
from privacy.row_security import SHARED


class Release(models.Model):
    """An import of a release. The newest row is what the other tables hold.

    ``effective_time`` is the newest in its files; ``digest`` the SHA-256 over them; ``counts`` the rows per table.
    """

    name = models.CharField(max_length=255)
    effective_time = models.DateField()
    digest = models.CharField(max_length=64)
    counts = models.JSONField()
    imported_at = models.DateTimeField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "name", "effective_time", "digest", "counts", "imported_at"), Privacy.OPEN
    )

    def __str__(self) -> str:
        return f"{self.name} ({self.effective_time})"


class Concept(models.Model):
    """A SNOMED CT concept, active or not, with its fully specified name (``fsn``) and its term in British use."""

    sctid = models.BigIntegerField(primary_key=True)
    active = models.BooleanField()
    module = models.BigIntegerField()
    effective_time = models.DateField()
    fsn = models.TextField()
    preferred_term = models.TextField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("sctid", "active", "module", "effective_time", "fsn", "preferred_term"), Privacy.OPEN
    )

    def __str__(self) -> str:
        return f"{self.sctid} | {self.fsn} |"


class Descent(models.Model):
    """That one concept falls under another: the transitive closure of active inferred IS-A, without the concept itself.

    An inactive concept falls under the concept that it is the same as or was replaced by, and all above that one.
    """

    # What is above a concept is looked up with every referral: those rows lie side by side.
    pk = models.CompositePrimaryKey("descendant", "ancestor")
    descendant = models.BigIntegerField()
    ancestor = models.BigIntegerField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("pk", "descendant", "ancestor"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.descendant} < {self.ancestor}"


class RefsetMember(models.Model):
    """That a concept is in a simple reference set."""

    pk = models.CompositePrimaryKey("refset", "concept")
    refset = models.BigIntegerField()
    concept = models.BigIntegerField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("pk", "refset", "concept"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.concept} ^ {self.refset}"
