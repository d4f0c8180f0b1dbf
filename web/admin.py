"""Django's admin for operators: what no use case owns can be changed here, everything else only be read.

Patients, referrals and whatever hangs by them are not here at all, and neither is a secret.
"""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate

from accounts.actors import Actor, ActorKind
from accounts.models import (
    Client,
    Membership,
    Organisation,
    OrganisationKind,
    Succession,
    User,
)
from audit.models import Action
from audit.recording import record
from communities.models import (
    Area,
    Capacity,
    Community,
    Condition,
    ConditionCode,
    Edition,
    Revision,
    SignOff,
)
from communities.models.tier_column import UNNAMED_HOST
from communities.selectors import moderation_of
from communities.tiers import tier_of


class OperatorSite(admin.AdminSite):
    """Signing in is the same as everywhere, with its second step and its limits. Its own scripts may run here."""

    site_header = site_title = "Peer support: operators"
    index_title = "Reference data and people"
    site_url = "/"
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send somebody who has not signed in to the one page for it. Raises PermissionDenied for everybody else."""
        del extra_context
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(reverse("admin:index"), reverse("account_login"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """As everybody else does."""
        del request, extra_context
        return redirect("account_change_password")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  (Django's signature)
        """With scripts of this host, which nothing else has."""
        return csp_update({"script-src": [SELF]})(super().admin_view(view, cacheable))


site = OperatorSite()
_MADE_HERE = (OrganisationKind.HOST, OrganisationKind.OPERATOR)


class Limited(admin.ModelAdmin):  # type: ignore[type-arg]
    """What an address may ask for is what can be searched or filtered by: nothing is told of any other field."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether rows may be found by this field."""
        del value, request
        named = (*map(str, self.list_filter), *self.search_fields)
        return any(lookup == name or lookup.startswith(f"{name}__") for name in named)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """The last step of a change, with a line in the audit that names the row and the fields."""
        super().save_related(request, form, formsets, change)
        changed = [*form.changed_data, *(each.prefix for each in formsets if each.has_changed())]
        record(
            Action.REFERENCE_CHANGED,
            by=Actor(ActorKind.STAFF, str(request.user.pk)),
            at=timezone.now(),
            target=f"{form.instance._meta.object_name}/{form.instance.pk}",
            detail={"fields": " ".join(changed)},
        )


class Shown(Limited):
    """Read only: a use case, an import or a release of the project owns the change."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        del request, obj
        return False


class Codes(admin.TabularInline):  # type: ignore[type-arg]
    """The codes of a condition."""

    model = ConditionCode
    extra = 0


@admin.register(Condition, site=site)
class Conditions(Limited):
    """Conditions can be worded anew and given codes; nothing is deleted that referrals rest on."""

    list_display = ("key", "label", "group", "broader")
    list_filter = ("group",)
    search_fields = ("key", "label", "codes__snomed_code")
    inlines = (Codes,)
    show_full_result_count = False
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A key stands in many other rows."""
        del request
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        del request, obj
        return False


@admin.register(Community, site=site)
class Communities(Shown):
    """Hosts state the facts, reviewers sign them."""

    list_display = ("name", "host", "listing", "tier", "review_due", "is_fictional")
    list_filter = ("listing", "tier_by_facts", "is_fictional")
    list_select_related = ("host",)
    search_fields = ("key", "name", "host__name")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    @admin.display(description="Tier today", ordering="tier_by_facts")
    def tier(self, community: Community) -> str:
        """As everybody sees it: an overdue review makes it U."""
        return tier_of(moderation_of(community), on=localdate())


@admin.register(Capacity, site=site)
class Capacities(Shown):
    """Hosts state their places."""

    list_display = ("community", "total", "used", "stated_on", "fresh_until")
    list_select_related = ("community",)
    search_fields = ("community__name",)


class SignOffs(admin.TabularInline):  # type: ignore[type-arg]
    """Who has signed."""

    model = SignOff
    extra = 0
    can_delete = False


@admin.register(Revision, site=site)
class Revisions(Shown):
    """Proposals, and who has signed them."""

    list_display = ("community", "state", "proposed_by", "proposed_at", "settled_at")
    list_filter = ("state",)
    list_select_related = ("community", "proposed_by")
    search_fields = ("community__name",)
    inlines = (SignOffs,)


@admin.register(Organisation, site=site)
class Organisations(Limited):
    """Hosts and operators are made here; practices, PCNs and boards come from the ODS files."""

    list_display = ("name", "kind", "ods_code", "valid_to")
    list_filter = ("kind",)
    search_fields = ("name", "ods_code")
    raw_id_fields = ("icb", "pcn")
    show_full_result_count = False
    actions = None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the ODS knows is not changed by hand; nor the host of communities for which nobody answers."""
        is_fixed = obj is not None and (obj.ods_code or obj.name == UNNAMED_HOST)
        return super().has_change_permission(request, obj) and not is_fixed

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A host does not become an operator, whose people may sign."""
        del request
        return ("updated_at", "kind") if obj else ()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What is not made yet has never changed."""
        del request
        return () if obj else ("updated_at",)

    def formfield_for_choice_field(self, db_field: Any, request: Any, **more: Any) -> Any:
        """Of the kinds only those that are made here."""
        if db_field.name == "kind":
            more["choices"] = [(kind, kind.label) for kind in _MADE_HERE]
        return super().formfield_for_choice_field(db_field, request, **more)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Whoever keeps a copy of it sees that it has changed."""
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        del request, obj
        return False


@admin.register(Membership, site=site)
class Memberships(Shown):
    """``add_member`` gives roles and writes them into the audit."""

    list_display = ("user", "organisation", "role")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    search_fields = ("user__email", "organisation__name", "organisation__ods_code")


@admin.register(User, site=site)
class Users(Shown):
    """Whoever can sign in; passwords are not shown in any form."""

    fields = ("email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    list_display = ("email", "is_active", "is_staff", "last_login")
    search_fields = ("email",)


@admin.register(Client, site=site)
class Clients(Shown):
    """Clinical systems, without their keys: ``register_client`` and ``change_client`` own them."""

    fields = ("name", "organisation", "scope", "is_bars", "is_strict", "may_export", "is_active")
    list_display = ("name", "organisation", "is_active", "registered_at")
    list_filter = ("is_active",)
    list_select_related = ("organisation",)
    search_fields = ("name", "organisation__ods_code", "organisation__name")


@admin.register(Area, site=site)
class Areas(Shown):
    """Areas come from official files."""

    list_display = ("name", "place", "valid_to")
    search_fields = ("name", "place")


@admin.register(Succession, site=site)
class Successions(Shown):
    """Which organisation took over from which."""

    list_display = ("predecessor", "successor", "on_date", "kind")
    list_select_related = ("predecessor", "successor")


@admin.register(Edition, site=site)
class Editions(Shown):
    """Which official files have been imported."""

    list_display = ("table", "name", "rows", "imported_at")
