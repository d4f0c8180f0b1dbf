"""What this server can do: CapabilityStatement and SMART configuration, both without a login."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.keys import ALGORITHMS
from accounts.scopes import Interaction
from api.errors import finding
from api.fhir.base import FhirView
from api.fhir.definitions import EDITION
from api.fhir.kinds import Kind
from api.fhir.schema import OUTCOME, RESOURCE
from api.fhir.served import KINDS, STATED, SYSTEM_INTERACTIONS, SYSTEM_OPERATIONS
from api.token import token_address
from integrations.fhir.capability import capability_statement
from integrations.fhir.outcome import operation_outcome


class Metadata(FhirView):
    """The CapabilityStatement."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="metadata", tags=["FHIR"], responses={(200, "application/fhir+json"): RESOURCE}
    )
    def get(self, request: Request) -> Response:
        """Say which types and interactions are served."""
        del request
        return Response(
            capability_statement(
                STATED,
                system_interactions=SYSTEM_INTERACTIONS,
                system_operations=SYSTEM_OPERATIONS,
                base_url=EDITION.base_url,
                version=EDITION.version,
                date=EDITION.day,
            )
        )


class SmartConfiguration(APIView):
    """Where a SMART client finds the token endpoint (SMART App Launch 2.2)."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's own)
    ) -> tuple[BaseRenderer, str]:
        """JSON, whatever the Accept header says: SMART demands it."""
        del request, force
        [renderer] = self.get_renderers()
        return renderer, renderer.media_type or ""

    @extend_schema(operation_id="smart_configuration", tags=["Sign-in"], responses={200: RESOURCE})
    def get(self, request: Request) -> Response:
        """Say where and how to sign in."""
        del request
        return Response(
            {
                "token_endpoint": token_address(),
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
                "scopes_supported": [_scope_of(kind) for kind in KINDS.values()],
                "capabilities": ["client-confidential-asymmetric", "permission-v2"],
                # SMART demands this of every server, so that no client falls back to "plain". There is no
                # authorization endpoint here, hence none is named, and nobody's code is ever challenged.
                "code_challenge_methods_supported": ["S256"],
            }
        )


def _scope_of(kind: Kind) -> str:
    """The widest scope that means something for a type."""
    offered = {
        Interaction.CREATE: "create",
        Interaction.READ: "read",
        Interaction.UPDATE: "update",
        Interaction.DELETE: "delete",
        Interaction.SEARCH: "search-type",
    }
    letters = [letter.value for letter, code in offered.items() if code in kind.interactions]
    return f"system/{kind.resource_type}.{''.join(letters)}"


class NotServed(FhirView):
    """Every FHIR address that is not served: 404 with the reason."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True, responses={404: OUTCOME})
    def get(self, request: Request, path: str = "") -> Response:
        """Say so."""
        del request, path
        sentence = (
            "This server does not serve this address. /fhir/R4/metadata lists what it does serve."
        )
        return Response(
            operation_outcome([finding(404, sentence, code="not-supported")]), status=404
        )

    post = put = patch = delete = get
