"""What servers of other versions do otherwise, as five of them were seen to.

0.3.10 stands for the tree of January 2025, the last one here that ignores the ids it is given.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

Json = dict[str, Any]


class OwnIds(Enum):
    """What becomes of a `prompt_id` that the client chose."""

    IGNORED = "ignored"
    ANY_TEXT = "any text"
    UUIDS = "uuids"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version; the defaults are those of the newest."""

    name: str
    own_ids: OwnIds = OwnIds.UUIDS
    interrupts_by_id: bool = True
    has_features: bool = True
    """Feature flags, GET /features, `progress_state`, previews that say whose they are."""
    has_preview_method: bool = True
    has_partial_runs: bool = True
    has_create_time: bool = True
    has_jobs: bool = True
    tells_cancelled: bool = True
    """A job that was interrupted is `cancelled`, not `failed`."""
    cancels_jobs: bool = True
    tells_missing_nodes: bool = True
    """`missing_node_type` instead of `invalid_prompt`; a graph of the editor's form is then a 500."""
    replaces_nodes: bool = True
    hides_secrets: bool = True
    """Keys for paid services are kept apart from the rest of `extra_data`."""
    has_user_tree: bool = True
    """GET /v2/userdata."""
    has_subgraphs: bool = True
    has_assets: bool = True
    """/api/assets answers that it is switched off, instead of being unknown."""
    tells_packages: bool = True
    """/system_stats knows the versions of packages, and how it was installed."""
    tells_templates: bool = True
    """/system_stats knows the versions of the editor and of the templates."""
    refuses_cross_site: bool = True
    """`Sec-Fetch-Site: cross-site` is a 403."""
    serves_downloads: bool = True
    """Pages and scripts come from /view as downloads, so that no browser runs them."""
    empty_errors_are_lists: bool = False
    new_combos: bool = True

    def refusal(self, graph: Any, known: Container[str]) -> Json | None:
        """What an old version says of the first node that is none, or whose class it lacks.

        Raises TypeError for a graph that is no mapping, which ends as status 500 in every version.
        """
        if self.tells_missing_nodes:
            return None
        for node_id, node in graph.items():
            if "class_type" not in node:
                message = "Cannot execute because a node is missing the class_type property."
            elif node["class_type"] not in known:
                message = f"Cannot execute because node {node['class_type']} does not exist."
            else:
                continue
            return {
                "type": "invalid_prompt",
                "message": message,
                "details": f"Node ID '#{node_id}'",
                "extra_info": {},
            }
        return None


_NEWEST = Version(name="0.33.0")
_JUNE_2026 = replace(_NEWEST, name="0.25.0", cancels_jobs=False, serves_downloads=False)
_JANUARY_2026 = replace(
    _JUNE_2026,
    name="0.7.0",
    own_ids=OwnIds.ANY_TEXT,
    tells_cancelled=False,
    tells_missing_nodes=False,
    replaces_nodes=False,
    has_assets=False,
    tells_packages=False,
    refuses_cross_site=False,
)
_OCTOBER_2025 = replace(
    _JANUARY_2026,
    name="0.3.64",
    has_jobs=False,
    has_create_time=False,
    has_preview_method=False,
    has_subgraphs=False,
)
_JANUARY_2025 = replace(
    _OCTOBER_2025,
    name="0.3.10",
    own_ids=OwnIds.IGNORED,
    interrupts_by_id=False,
    has_features=False,
    has_partial_runs=False,
    hides_secrets=False,
    has_user_tree=False,
    tells_templates=False,
    empty_errors_are_lists=True,
    new_combos=False,
)
VERSIONS: Mapping[str, Version] = {
    version.name: version for version in (_NEWEST, _JUNE_2026, _JANUARY_2026, _OCTOBER_2025, _JANUARY_2025)
}
