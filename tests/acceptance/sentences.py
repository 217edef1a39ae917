"""Every sentence of "Running" in workflow.md, and the tests that prove it; the first of them is named after it.

A sentence ends with a full stop, or with a semicolon where a rule of its own follows.
"""

from __future__ import annotations

from dataclasses import dataclass

FILES = {
    "here": "tests/acceptance/test_running_sentences.py",
    "limited": "tests/acceptance/test_running_sentences_limits.py",
    "runs": "tests/acceptance/test_running_sentences_runs.py",
    "running": "tests/acceptance/test_contract_running.py",
    "boxed": "tests/acceptance/test_contract_boxes.py",
    "kinds": "tests/acceptance/test_contract_kinds.py",
    "document": "tests/acceptance/test_contract_document.py",
    "ready": "tests/unit/run/test_ready.py",
    "ends": "tests/unit/run/test_ends.py",
    "loops": "tests/unit/run/test_loops.py",
    "boxes": "tests/unit/run/test_boxes.py",
    "http": "tests/integration/test_http_steps.py",
    "limits": "tests/unit/run/test_limits.py",
    "asked": "tests/unit/run/test_asked_limits.py",
    "retries": "tests/unit/run/test_retries.py",
    "approvals": "tests/unit/run/test_approvals.py",
    "replay": "tests/unit/run/test_replay.py",
    "regions": "tests/unit/graph/test_loops.py",
    "structure": "tests/unit/graph/test_structure.py",
    "references": "tests/unit/graph/test_references.py",
    "prices": "tests/unit/llm/test_prices.py",
    "durability": "tests/integration/test_durability.py",
    "waits": "tests/integration/test_waits.py",
    "budgets": "tests/integration/test_budgets.py",
    "race": "tests/integration/test_budget_race.py",
    "reconciling": "tests/integration/test_reconciling.py",
    "pauses": "tests/integration/test_pauses.py",
    "forks": "tests/integration/test_forks.py",
    "tests": "tests/integration/test_test_runs.py",
    "kills": "tests/chaos/test_engine_kills.py",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, word for word."""

    text: str
    tests: tuple[str, ...]
    """`file::test` with a short name of `FILES`."""
    later: str = ""
    """What of it comes with a later issue, and with which."""
    owed: str = ""
    """A test of a part that does not hold yet: it is marked as expected to fail."""


def says(text: str, *tests: str, later: str = "", owed: str = "") -> Sentence:
    """One line of the table."""
    return Sentence(text, tests, later, owed)


def pytest_id(short: str) -> str:
    """`tests/unit/run/test_ready.py::test_x` of `ready::test_x`."""
    file, name = short.split("::")
    return f"{FILES[file]}::{name}"


RUNNING: tuple[tuple[Sentence, ...], ...] = (
    (
        says(
            "**Start is durable**: a run id is returned only after the inputs and the version's content hash are on disk (fsync).",
            "here::test_a_run_id_is_returned_only_after_the_inputs_and_the_hash_of_the_version_are_on_disk",
            "durability::test_a_run_is_acknowledged_only_after_fsync",
            "durability::test_the_journal_writes_with_the_full_guarantee",
        ),
        says(
            "A run keeps its version to the end.",
            "here::test_a_run_keeps_its_version_to_the_end",
            "waits::test_a_run_waits_a_year_for_an_approval_through_restarts_and_a_newer_version_and_finishes_as_it_began",
        ),
    ),
    (
        says(
            "**Ready**: every incoming edge settled (taken or dead) and at least one taken (`join: any`: at the first one taken;",
            "running::test_a_join_waits_for_every_edge_and_runs_when_one_of_them_was_taken",
            "ready::test_a_join_whose_edges_are_all_dead_never_runs_and_kills_what_follows",
            "ready::test_any_join_starts_at_the_first_edge_and_gives_up_what_could_only_lead_there",
            "replay::test_without_loops_a_step_runs_exactly_when_an_edge_to_it_was_taken",
        ),
        says(
            "steps and waits that could only lead to that join are then cancelled, an unsafe call in flight is finished and recorded).",
            "running::test_join_any_starts_at_the_first_edge_and_cancels_what_could_only_lead_there",
            "ready::test_any_join_finishes_and_records_an_unsafe_call_in_flight",
        ),
        says(
            "An untaken port kills its edges, and death spreads.",
            "here::test_an_untaken_port_kills_its_edges_and_death_spreads",
            "running::test_death_spreads_through_joins_whose_edges_are_all_dead",
            "ready::test_death_spreads_along_a_whole_chain",
        ),
        says("Ready nodes run **concurrently**.", "running::test_ready_nodes_run_concurrently"),
    ),
    (
        says(
            "**End**: a run ends when nothing is ready, running or waiting.",
            "here::test_a_run_ends_when_nothing_is_ready_running_or_waiting",
            "replay::test_a_run_without_trouble_always_ends",
        ),
        says(
            "Reaching an `end` does not cut off other branches;",
            "ends::test_reaching_an_end_does_not_cut_off_other_branches",
            "running::test_reaching_an_end_does_not_cut_off_others_and_outputs_merge_in_document_order",
        ),
        says(
            "outputs of several `end`s merge in document order;",
            "ends::test_outputs_of_several_ends_merge_in_document_order",
            "running::test_reaching_an_end_does_not_cut_off_others_and_outputs_merge_in_document_order",
        ),
        says(
            "any `outcome: failure` makes the run `failed`.",
            "running::test_any_end_of_outcome_failure_makes_the_run_failed",
        ),
        says("A taken port without an edge ends its branch;", "ends::test_a_taken_port_without_an_edge_ends_its_branch_only"),
        says(
            "a run that reached no `end` is `succeeded` with output null and says which port it left by.",
            "running::test_a_run_that_reaches_no_end_succeeds_with_null_and_says_which_port_it_left_by",
        ),
        says(
            "An unhandled error or `fail` starts nothing new, cancels waits, lets running calls finish: `failed`.",
            "running::test_an_unhandled_error_starts_nothing_new_cancels_waits_and_lets_calls_finish",
            "here::test_a_fail_starts_nothing_new_cancels_waits_and_lets_running_calls_finish",
        ),
    ),
    (
        says(
            "**Cycles** are natural loops: the target of a back edge (the header) dominates its source;",
            "here::test_a_cycle_is_a_natural_loop_when_the_target_of_its_back_edge_dominates_its_source",
            "regions::test_dominators_are_those_that_networkx_finds",
        ),
        says(
            "anything else is an error that names both nodes.",
            "document::test_a_cycle_that_is_no_natural_loop_is_an_error_that_names_both_nodes",
            "regions::test_a_circle_entered_from_aside_is_an_error_that_names_both_nodes_and_the_edge",
        ),
        says(
            "The body is the loop plus side branches that only the loop reaches and that reach no `end`.",
            "here::test_the_body_is_the_loop_plus_side_branches_that_only_the_loop_reaches_and_that_reach_no_end",
            "regions::test_a_side_branch_that_reaches_no_end_belongs_to_the_loop",
            "regions::test_a_side_branch_that_reaches_an_end_is_outside_the_loop",
            "regions::test_a_side_branch_that_others_reach_too_is_outside_the_loop",
        ),
        says(
            "A **visit** ends when nothing in the body is ready, running or waiting.",
            "here::test_a_visit_ends_when_nothing_in_the_body_is_ready_running_or_waiting",
            "loops::test_a_visit_ends_when_nothing_in_the_body_is_alive_side_branches_included",
        ),
        says(
            "Exit edges may leave from any body node and are settled when the loop ends: taken if taken in the last visit, else dead.",
            "running::test_exit_edges_may_leave_from_any_node_of_the_body",
            "loops::test_exits_are_settled_when_the_loop_ends_and_only_if_taken_in_the_last_visit",
            "loops::test_an_exit_that_is_not_taken_in_the_last_visit_is_dead",
        ),
        says(
            "A back edge taken starts the next visit;",
            "here::test_a_back_edge_taken_starts_the_next_visit",
            "loops::test_two_back_edges_taken_in_one_visit_start_one_visit",
        ),
        says(
            "both taken in one visit is the error `loop_both_ways`.",
            "running::test_loop_both_ways_is_the_error_of_that_name",
            "loops::test_leaving_and_repeating_in_one_visit_is_an_error_that_names_both",
            "running::test_an_exit_taken_in_an_earlier_visit_that_went_back_is_both_ways",
        ),
        says(
            "`max_visits` is how often the body may run for one entry of the loop (back edges to one header share it);",
            "loops::test_max_visits_counts_how_often_the_body_may_run",
            "loops::test_inner_loops_start_anew_in_each_visit_of_the_outer_one",
            "running::test_back_edges_to_one_header_share_max_visits",
        ),
        says(
            "when it is used up the edge's node leaves by `on_exhausted` (another of its ports), without one the run meets `on_limit`.",
            "running::test_when_visits_are_used_up_the_node_leaves_by_on_exhausted",
            "running::test_without_on_exhausted_the_run_meets_on_limit_and_can_be_resumed",
            "asked::test_a_loop_without_a_visit_left_asks_too_and_more_means_as_many_again",
            "regions::test_the_way_out_of_a_used_up_loop_is_another_port_of_the_same_node",
        ),
        says("Loops nest.", "running::test_loops_nest_and_an_inner_loop_starts_anew_in_each_visit", "regions::test_loops_nest"),
    ),
    (
        says(
            "**Map box**: nodes of its body carry `parent` = the box's id;",
            "here::test_nodes_of_the_body_of_a_box_carry_its_id_as_their_parent",
            "structure::test_a_parent_has_to_be_a_box",
        ),
        says(
            "edges from the box's port `item` lead to the body's first nodes, `out` goes on when all items ended.",
            "here::test_edges_from_item_lead_to_the_first_nodes_of_the_body_and_out_goes_on_when_all_items_ended",
            "structure::test_only_the_item_port_crosses_the_border_of_a_box",
        ),
        says(
            "The body runs once per item, `concurrency` at a time;",
            "boxed::test_the_body_runs_once_per_item_with_item_and_index_and_results_keep_the_order",
            "boxed::test_concurrency_is_how_many_items_are_worked_on_at_a_time",
        ),
        says(
            "`collect` is evaluated per item, results keep the order of the items.",
            "here::test_collect_is_evaluated_per_item_and_results_keep_the_order_of_the_items",
            "boxes::test_the_body_runs_once_per_item_and_results_keep_the_order_of_the_items",
        ),
        says("Boxes nest;", "boxed::test_boxes_nest_and_paths_name_the_items_of_both", "structure::test_boxes_nest"),
        says(
            "approvals inside are one inbox item each, shown as one grid.",
            "boxed::test_approvals_in_a_box_are_one_inbox_item_each_while_the_run_waits",
            "runs::test_approvals_of_one_box_are_shown_as_one_grid",
        ),
    ),
    (
        says("**Paths** name steps: top level `id`;", "here::test_at_the_top_level_the_path_of_a_step_is_its_id"),
        says(
            "in a loop with its header's visit, `draft#2/ok`, the header itself `draft#2`;",
            "here::test_in_a_loop_paths_carry_the_visit_of_the_header_and_the_header_itself_too",
            "running::test_steps_in_a_loop_are_named_by_the_visit_of_its_header",
        ),
        says("items 0-based, `each[7]/check`.", "here::test_items_in_paths_are_counted_from_0"),
        says(
            "Journal, idempotency keys, timeline and API all use them.",
            "here::test_journal_idempotency_keys_timeline_and_api_all_use_the_paths",
        ),
        says("`start` and `end` are steps;", "here::test_start_and_end_are_steps"),
        says("one step per path, `attempt` counts.", "here::test_there_is_one_step_per_path_and_its_attempts_are_counted"),
    ),
    (
        says(
            "**Checkpoint after every node**: one journal row holds outputs, chosen edges, settled cost and the intents of "
            "what starts next;",
            "here::test_one_journal_row_holds_outputs_chosen_port_settled_cost_and_the_intents_of_what_starts_next",
            "durability::test_a_long_chain_costs_one_commit_a_step",
        ),
        says("the successor starts after the commit.", "here::test_the_successor_starts_after_the_commit"),
        says(
            "Routing is recorded, so resuming or replaying never re-evaluates it.",
            "here::test_routing_is_recorded_so_resuming_or_replaying_never_evaluates_it_again",
            "replay::test_the_journal_tells_the_same_as_the_state_whatever_happens",
        ),
    ),
    (
        says(
            "**Limits**: `steps` counts every executed attempt (start, end, body steps, agent turns);",
            "limits::test_steps_count_every_attempt_start_and_end_included",
            "limits::test_body_steps_of_every_visit_count",
            later="the turns of agents: the issue that brings the kind `agent`",
        ),
        says(
            "`seconds` is wall time with at least one step running, waits are free.",
            "running::test_the_limit_of_seconds_counts_while_steps_run_and_waits_are_free",
            "limits::test_seconds_run_only_while_a_step_runs",
            "limits::test_steps_that_run_at_the_same_time_are_counted_once",
        ),
        says(
            "Before every model or tool call its upper bound (request bytes as tokens + max_tokens, at price) is reserved from run, "
            "workflow, agent and workspace budgets at once or not at all, settled afterwards;",
            "limited::test_the_upper_bound_of_a_call_is_reserved_in_all_budgets_at_once_or_not_at_all_and_settled_afterwards",
            "limits::test_a_reservation_holds_in_all_limits_at_once_or_not_at_all",
            "prices::test_the_bound_counts_every_byte_and_every_token_of_the_answer",
        ),
        says(
            "if it does not fit, first wait for open reservations, then shrink max_tokens down to 64, then the limit is met.",
            "limited::test_what_does_not_fit_waits_for_open_reservations_then_shrinks_max_tokens_down_to_64_then_meets_the_limit",
            "race::test_a_step_waits_for_what_others_give_back_before_it_is_shortened",
        ),
        says(
            "Parallel branches cannot overspend.",
            "running::test_parallel_branches_cannot_overspend",
            "race::test_fifty_branches_stay_within_one_limit_of_money",
            "budgets::test_many_runs_at_once_never_spend_more_than_the_workspace_may",
        ),
        says(
            "An unknown price is refused unless one is set;",
            "limited::test_an_unknown_price_is_refused_unless_one_is_set",
        ),
        says(
            "the practice model and loopback addresses cost 0 unless set.",
            "limited::test_the_practice_model_and_loopback_addresses_cost_0_unless_a_price_is_set",
        ),
        says(
            "`on_limit: stop` ends at a checkpoint (`stopped`, everything kept, resumable with raised limits);",
            "limited::test_on_limit_stop_ends_at_a_checkpoint_keeps_everything_and_is_resumed_with_raised_limits",
            "limits::test_a_stopped_run_keeps_everything_and_finishes_with_a_raised_limit",
        ),
        says(
            "`ask` puts it in the inbox: extend · cheaper model · stop, and *finish with what we have* where it is drawn (`on_exhausted`, "
            "`on_item_error: collect`).",
            "limited::test_on_limit_ask_puts_it_in_the_inbox_to_extend_take_a_cheaper_model_stop_or_finish_where_it_is_drawn",
            "asked::test_it_is_not_offered_where_one_of_the_steps_that_are_held_back_could_not_end_early",
            "asked::test_a_loop_that_says_where_it_leads_when_it_is_exhausted_can_be_finished",
        ),
        says(
            "Limits given at the start of a run can only lower the document's.",
            "running::test_limits_given_at_the_start_can_only_lower",
            "limits::test_limits_given_at_the_start_only_lower_those_of_the_document",
        ),
    ),
    (
        says(
            "**Effects**: a node is `pure`, `idempotent`, `reconcilable` or `unsafe`.",
            "limited::test_every_node_is_pure_idempotent_reconcilable_or_unsafe",
        ),
        says(
            "GET HEAD PUT DELETE are idempotent, POST and PATCH unsafe unless an idempotency header is set;",
            "http::test_get_head_put_and_delete_are_idempotent_and_are_post_and_patch_with_an_idempotency_header",
            "http::test_a_post_that_is_lost_when_the_process_dies_is_in_doubt_and_never_made_again",
        ),
        says(
            "model calls idempotent, a lost one stays charged and is shown.",
            "limited::test_model_calls_are_idempotent_and_a_lost_one_stays_charged_and_is_shown",
            "retries::test_after_a_crash_what_was_running_runs_again_and_keeps_its_reservation_charged",
        ),
        says(
            "Intent is durable before an unsafe call.",
            "limited::test_the_intent_is_durable_before_an_unsafe_call",
            "durability::test_no_call_is_made_before_its_intent_is_durable",
        ),
        says(
            "After a crash an unsettled unsafe call is **in doubt**: never repeated by itself;",
            "retries::test_after_a_crash_an_unsafe_call_is_in_doubt_and_never_repeated_by_itself",
            "kills::test_three_hundred_kills_lose_nothing_and_double_nothing",
        ),
        says(
            "a reconcilable tool is asked, else a person.",
            "limited::test_a_reconcilable_tool_is_asked_else_a_person",
            "reconciling::test_after_a_crash_the_other_system_is_asked_and_the_effect_happens_once",
            "reconciling::test_where_nobody_there_can_tell_a_person_is_asked",
        ),
    ),
    (
        says(
            "**Approvals** hold no worker.",
            "runs::test_approvals_hold_no_worker",
            "approvals::test_a_waiting_approval_holds_no_worker_and_says_what_it_waits_for",
        ),
        says(
            "With `action: <node id>` (a node that port `approved` dominates) the card shows that node's resolved config and the digest is "
            "SHA-256 of canonical JSON {node, kind, resolved config, editable values};",
            "kinds::test_the_digest_of_an_action_can_be_computed_from_the_card",
            "approvals::test_with_an_action_the_digest_is_that_of_what_would_run",
            "kinds::test_an_action_must_be_dominated_by_the_approved_port",
            "references::test_an_action_that_could_run_without_the_approval_is_an_error",
        ),
        says(
            "without it, of {title, message, show, editable}.",
            "approvals::test_without_an_action_the_digest_is_that_of_what_is_shown",
            "kinds::test_an_approval_shows_its_card_and_the_digest_can_be_computed_from_it",
        ),
        says(
            "After an edit the digest is computed over the edited values, stored, and compared when the action starts: a mismatch voids "
            "the consent and asks again.",
            "approvals::test_the_digest_of_an_edited_answer_is_computed_over_the_edited_values_and_kept",
            "approvals::test_consent_to_something_else_than_what_would_run_is_void_and_asked_again",
            "kinds::test_what_changed_while_the_card_waited_voids_the_consent_and_is_asked_again",
        ),
        says(
            "Under four-eyes the starter and the last editor cannot decide.",
            "kinds::test_under_four_eyes_the_starter_and_the_last_editor_cannot_decide",
        ),
    ),
    (
        says(
            "Statuses of a run: `queued running waiting paused stopped succeeded failed cancelled`;",
            "runs::test_the_statuses_of_a_run_are_these_eight",
        ),
        says(
            "of a step: `ready running waiting done failed skipped in_doubt cancelled`.",
            "runs::test_the_statuses_of_a_step_are_these_eight",
        ),
        says(
            "Every run that is not moving says why and what would move it.",
            "runs::test_every_run_that_is_not_moving_says_why_and_what_would_move_it",
            "runs::test_a_paused_a_failed_and_a_parent_run_say_why_they_do_not_move_and_what_would_move_them",
            "budgets::test_a_run_that_waits_for_others_goes_on_when_the_budget_is_raised_and_ends_when_it_is_cancelled",
        ),
    ),
    (
        says(
            "Cancel, retry from the failed step, resume, and **fork** from any checkpoint with changed values: the fork says first what it "
            "reuses, re-runs, costs, and which effects it would repeat.",
            "runs::test_a_fork_from_any_checkpoint_with_changed_values_says_first_what_it_reuses_reruns_costs_and_repeats",
            "runs::test_a_run_is_cancelled_retried_from_the_failed_step_and_resumed",
            "pauses::test_a_failed_run_is_tried_again_from_the_step_that_failed",
            "forks::test_the_bill_counts_what_is_reused_what_is_done_again_and_what_reaches_people_twice",
        ),
        says(
            "A `test` run uses the draft, gives unsafe nodes their example output marked `simulated` unless `effects: real`, applies pins, "
            "and is kept out of success rates but not out of cost.",
            "runs::test_a_test_run_uses_the_draft_simulates_unsafe_nodes_applies_pins_and_counts_in_cost_but_not_in_success",
            "tests::test_a_pinned_step_is_not_executed_in_a_test_run_and_is_in_a_live_one",
        ),
    ),
)
"""Item 1 stands first."""
