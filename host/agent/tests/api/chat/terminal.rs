//! The chat in a terminal, keystroke by keystroke.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::desk::{Desk, POLICY};
use super::tmux::Terminal;

const CHAT: &str = "chat --agent clerk --caller alice --role support";

#[test]
fn a_turn_is_answered_with_its_calls_and_styles() {
    let desk = Desk::new(
        "turns:
  - text: I look it **up** now.
    calls: [{tool: look_up, arguments: {order: A-7}}]
  - expect: {tool: A-7}
    text: |
      # Found

      - `A-7` is *yours*
",
    );
    let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
        return;
    };
    let shown = terminal.waits_for_prompt();
    for line in [
        "clerk · script:turns.yaml",
        "refund_order",
        "alice [support] · approvals: you are asked · /help",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    terminal.line("where is A-7?");
    let shown = terminal.waits_for("A-7 is yours");
    for line in [
        "I look it up now.",
        "● look_up {\"order\":\"A-7\"}",
        "✓ look_up",
        "Found",
        "• A-7 is yours",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(
        !shown.contains("**") && !shown.contains("# Found"),
        "{shown}"
    );
    // What the tool answered cannot steer the terminal.
    assert!(
        shown.contains("where is A-7?"),
        "the screen was cleared: {shown}"
    );
    assert!(terminal.shows_colours().contains("\u{1b}["), "no colours");
    terminal.waits_for_prompt();
    terminal.press("C-d");
    let shown = terminal.waits_for("left:0");
    assert!(
        shown.contains("\necho\nleft:0") && !shown.contains("-echo"),
        "{shown}"
    );
}

#[test]
fn an_approval_shows_the_whole_operation_and_is_given_or_refused() {
    let desk = Desk::new(
        "turns:
  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]
  - text: first done
  - calls: [{tool: refund_order, arguments: {order: A-8, amount: 130}}]
  - text: second done
  - calls: [{tool: refund_order, arguments: {order: A-9, amount: 900}}]
  - text: third done
",
    );
    let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("refund A-7");
    let shown = terminal.waits_for("Approve? [y/N]");
    for line in [
        "⏸ needs_approval · refund_order",
        "agent clerk · caller alice [support]",
        "\"amount\": 120",
        "\"order\": \"A-7\"",
        "- balance: 0",
        "+ balance: 120",
        "policy: Refunds above 50 need a second look.",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    terminal.line("y");
    let shown = terminal.waits_for("first done");
    assert!(
        shown.contains("✓ approved · refund_order · carol"),
        "{shown}"
    );
    assert!(shown.contains("✓ refund_order"), "{shown}");

    terminal.waits_for_prompt();
    terminal.line("refund A-8");
    terminal.waits_for_times("Approve? [y/N]", 2);
    terminal.line("n");
    let shown = terminal.waits_for("second done");
    assert!(shown.contains("✗ not approved · refund_order"), "{shown}");

    terminal.waits_for_prompt();
    terminal.line("refund A-9");
    let shown = terminal.waits_for("third done");
    assert!(
        shown.contains("⛔ deny · refund_order") && shown.contains("args.amount <= 50"),
        "{shown}"
    );

    terminal.waits_for_prompt();
    terminal.line("/why");
    let shown = terminal.waits_for("✗ DENY · clerk");
    assert!(shown.contains("violations:"), "{shown}");
    terminal.waits_for_prompt();
    terminal.line("/policy");
    let shown = terminal.waits_for("⏸ refund_order · args.amount > 50");
    for line in [
        "role support",
        "✓ look_up",
        "✓ refund_order · args.amount <= 50",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    terminal.waits_for_prompt();
    terminal.line("/exit");
    terminal.waits_for("left:0");
}

#[test]
fn what_is_typed_ahead_does_not_approve() {
    let desk = Desk::new(
        "turns:
  - calls: [{tool: wait, arguments: {seconds: 2}}]
  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]
  - text: done
",
    );
    let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("refund A-7");
    terminal.waits_for("… wait: waiting");
    terminal.line("y");
    terminal.typed("y");
    let shown = terminal.waits_for("Approve? [y/N]");
    assert!(!shown.contains("approved ·"), "{shown}");
    terminal.press("Enter");
    let shown = terminal.waits_for("done");
    assert!(!shown.contains("✓ approved"), "{shown}");
}

#[test]
fn ctrl_c_stops_the_turn_and_the_conversation_goes_on() {
    let desk = Desk::new(
        "turns:
  - text: I wait
    calls: [{tool: wait}]
  - expect: {user: again}
    text: here I am
  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]
  - expect: {user: third}
    text: still here
",
    );
    let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("wait for me");
    terminal.waits_for("… wait: waiting");
    terminal.press("C-c");
    terminal.waits_for("⏹ stopped");
    terminal.waits_for_prompt();
    // At the prompt it drops what was typed.
    terminal.typed("something else");
    terminal.waits_for("> something else");
    terminal.press("C-c");
    terminal.waits_for_prompt();
    terminal.line("again");
    let shown = terminal.waits_for("here I am");
    assert!(!shown.contains("✗"), "{shown}");
    // A question is dropped with its turn.
    terminal.waits_for_prompt();
    terminal.line("refund");
    terminal.waits_for("Approve? [y/N]");
    terminal.press("C-c");
    terminal.waits_for_times("⏹ stopped", 2);
    terminal.waits_for_prompt();
    terminal.line("third");
    terminal.waits_for("still here");
    terminal.waits_for_prompt();
    terminal.press("C-d");
    let shown = terminal.waits_for("left:0");
    assert!(!shown.contains("✓ approved"), "{shown}");
}

#[test]
fn an_edited_policy_decides_from_the_next_turn_on() {
    let refund =
        "  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 40}}]\n  - text: done ";
    let desk = Desk::new(&format!("turns:\n{refund}1\n{refund}2\n{refund}3\n"));
    let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("refund");
    let shown = terminal.waits_for("done 1");
    assert!(
        shown.contains("✓ refund_order") && !shown.contains("⛔"),
        "{shown}"
    );

    desk.write(
        "clerk.yaml",
        &POLICY.replace("args.amount <= 50", "args.amount <= 5"),
    );
    terminal.waits_for_prompt();
    terminal.line("refund");
    let shown = terminal.waits_for("done 2");
    assert!(
        shown.contains("the policy was replaced") && shown.contains("⛔ deny · refund_order"),
        "{shown}"
    );

    // A broken edit changes nothing but what is said.
    desk.write(
        "clerk.yaml",
        "roles: { support: { tools: { refund_order: { mode: alow } } } }",
    );
    terminal.waits_for_prompt();
    terminal.line("refund");
    let shown = terminal.waits_for("done 3");
    assert!(
        shown.contains("is refused; the former one still decides")
            && shown.contains("did you mean `allow`"),
        "{shown}"
    );
    assert_eq!(
        shown.matches("⛔ deny · refund_order").count(),
        2,
        "{shown}"
    );
}

#[test]
fn forty_columns_are_enough_from_the_start_and_after_a_change() {
    let desk = Desk::new(
        "turns:
  - text: A **long sentence** that has to be broken several times before it is at its end, with a_very_long_word_that_fits_no_line_at_all_by_itself in it.
    calls: [{tool: refund_order, arguments: {order: A-7, amount: 120, note: 'a note that is longer than the line is wide'}}]
  - text: Another sentence that has to be broken, after the window became smaller than before.
",
    );
    let Some(terminal) = Terminal::open(&desk, CHAT, 60, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.resize(40);
    terminal.line("go");
    let shown = terminal.waits_for("Approve? [y/N]");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 40),
        "{shown}"
    );
    // No word was broken by the terminal: every line ends where a word does.
    for words in [
        "sentence that has to be",
        "+ balance: 120",
        "needs_approval · refund_order",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    terminal.line("y");
    let shown = terminal.waits_for("Another sentence that has to be broken,");
    assert!(
        shown.contains("\nAnother sentence that has to be broken,\n"),
        "{shown}"
    );
    terminal.waits_for("after the window became smaller than");
}

#[test]
fn no_colour_and_a_dumb_terminal_are_served() {
    let script = "turns:\n  - text: a **bold** word\n  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]\n  - text: done\n";
    let desk = Desk::new(script);
    let Some(terminal) = Terminal::open(&desk, CHAT, 80, "NO_COLOR=1") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("hi");
    let shown = terminal.waits_for("a **bold** word");
    assert!(shown.contains("clerk · script"), "{shown}");
    terminal.waits_for_prompt();
    assert!(
        !terminal.shows_colours().contains("\u{1b}[1m"),
        "{}",
        terminal.shows_colours()
    );
    drop(terminal);

    let desk = Desk::new(script);
    let Some(terminal) = Terminal::open(&desk, CHAT, 80, "TERM=dumb") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("hi");
    terminal.waits_for("a **bold** word");
    terminal.waits_for_prompt();
    terminal.line("refund");
    terminal.waits_for("Approve? [y/N]");
    terminal.line("y");
    terminal.waits_for("done");
    terminal.waits_for_prompt();
    terminal.press("C-d");
    terminal.waits_for("left:0");
}

#[test]
fn a_failed_turn_leaves_a_usable_conversation() {
    let desk = Desk::new(
        "turns:
  - error: 401
  - expect: {user: again}
    text: here I am
",
    );
    let Some(terminal) = Terminal::open(&desk, CHAT, 80, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("hi");
    terminal.waits_for("✗ ");
    terminal.waits_for_prompt();
    terminal.line("again");
    terminal.waits_for("here I am");
}

#[test]
fn a_conversation_that_is_cleared_is_forgotten_and_a_model_is_chosen() {
    let desk = Desk::new("turns: [{text: the model of the environment}]\n");
    desk.write(
        "other.yaml",
        "turns:
  - calls: [{tool: look_up, arguments: {order: A-7}}]
  - text: first done
  - expect: {tool: A-7}
    text: I still know it
  - expect: {tool: A-7}
    text: I know it even now
",
    );
    let chat = format!("{CHAT} --model script:other.yaml");
    let Some(terminal) = Terminal::open(&desk, &chat, 80, "") else {
        return;
    };
    let shown = terminal.waits_for_prompt();
    assert!(shown.contains("clerk · script:other.yaml"), "{shown}");
    for (line, answer) in [
        ("look", "first done"),
        ("again", "I still know it"),
        ("/clear", "the conversation begins anew"),
        ("and now", "✗ "),
    ] {
        terminal.line(line);
        terminal.waits_for(answer);
        terminal.waits_for_prompt();
    }
    let shown = terminal.shows();
    assert!(!shown.contains("I know it even now"), "{shown}");
}

#[test]
fn auto_approval_is_said_aloud_and_the_history_is_private() {
    let desk = Desk::new(
        "turns:\n  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]\n  - text: done\n",
    );
    let chat = format!("{CHAT} --approval-mode auto-approve");
    let Some(terminal) = Terminal::open(&desk, &chat, 80, "") else {
        return;
    };
    let shown = terminal.waits_for_prompt();
    assert!(
        shown.contains("AUTO-APPROVE") && shown.contains("run without one"),
        "{shown}"
    );
    terminal.line("refund A-7");
    let shown = terminal.waits_for("done");
    assert!(!shown.contains("Approve?"), "{shown}");
    terminal.waits_for_prompt();
    terminal.line("/nothing");
    terminal.waits_for("there is no `/nothing`");
    terminal.waits_for_prompt();
    terminal.press("C-d");
    terminal.waits_for("left:0");
    let history = desk.path().join(".local/state/hexgate/history");
    let kept = std::fs::read_to_string(&history).unwrap();
    assert!(kept.contains("refund A-7"), "{kept}");
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(std::fs::metadata(&history).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn the_policy_says_who_approves_and_whether_a_reason_is_needed() {
    let refund =
        "  - calls: [{tool: refund_order, arguments: {order: A-7, amount: 120}}]\n  - text: done ";
    let desk = Desk::new(&format!("turns:\n{refund}1\n{refund}2\n{refund}3\n"));
    let terms = |terms: &str| {
        let old = "mode: approval_required\n";
        POLICY.replace(old, &format!("{old}          approval: {terms}\n"))
    };
    desk.write("clerk.yaml", &terms("{ roles: [lead] }"));
    let chat = format!("{CHAT} --approver-role chief");
    let Some(terminal) = Terminal::open(&desk, &chat, 100, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("refund");
    let shown = terminal.waits_for("done 1");
    assert!(
        shown.contains("lets only `lead` approve") && !shown.contains("Approve?"),
        "{shown}"
    );

    desk.write("clerk.yaml", &terms("{ reason: required, roles: [chief] }"));
    terminal.waits_for_prompt();
    terminal.line("refund");
    terminal.waits_for("Approve? [y/N]");
    terminal.line("y");
    terminal.waits_for("Reason:");
    terminal.line("the order is lost");
    let shown = terminal.waits_for("done 2");
    assert!(
        shown.contains("✓ approved · refund_order · carol: the order is lost"),
        "{shown}"
    );

    desk.write("clerk.yaml", &terms("{ expires: 1s }"));
    terminal.waits_for_prompt();
    terminal.line("refund");
    let shown = terminal.waits_for("done 3");
    assert!(
        shown.contains("expires in 1 s") && shown.contains("nobody answered in 1 s"),
        "{shown}"
    );
}

#[test]
fn a_program_that_is_told_to_end_gives_the_terminal_back() {
    let desk = Desk::new("turns:\n  - calls: [{tool: wait}]\n");
    for in_a_turn in [false, true] {
        let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
            return;
        };
        terminal.waits_for_prompt();
        if in_a_turn {
            terminal.line("wait");
            terminal.waits_for("… wait: waiting");
        }
        terminal.signals("-TERM");
        let shown = terminal.waits_for("left:");
        assert!(
            shown.contains(if in_a_turn { "left:1" } else { "left:143" }),
            "{shown}"
        );
        terminal.waits_for("echo");
        assert!(!terminal.shows().contains("-echo"), "{}", terminal.shows());
    }
}

#[test]
fn thoughts_are_pale_and_the_answer_is_not() {
    let desk = Desk::new("turns:\n  - reasoning: The order is known.\n    text: It is yours.\n");
    let Some(terminal) = Terminal::open(&desk, CHAT, 100, "") else {
        return;
    };
    terminal.waits_for_prompt();
    terminal.line("whose is it?");
    terminal.waits_for("It is yours.");
    let shown = terminal.shows_colours();
    // The terminal tells changes alone.
    let (before, after) = shown.split_once("The order is known.\n").unwrap();
    assert!(
        before.rfind("\u{1b}[2m") > before.rfind("\u{1b}[0m"),
        "{shown:?}"
    );
    let (between, _) = after.split_once("It is yours.").unwrap();
    assert!(between.contains("\u{1b}[0"), "{shown:?}");
}

#[test]
fn a_terminal_that_vanishes_ends_the_program() {
    let desk = Desk::new("turns:\n  - calls: [{tool: wait}]\n");
    // In a session of its own the program gets no signal, and has the end of its terminal alone to notice.
    for (in_a_turn, own_session) in [(false, ""), (true, ""), (false, "setsid"), (true, "setsid")] {
        let Some(terminal) = Terminal::open(&desk, CHAT, 100, own_session) else {
            return;
        };
        terminal.waits_for_prompt();
        if in_a_turn {
            terminal.line("wait");
            terminal.waits_for("… wait: waiting");
        }
        let program = terminal.program();
        drop(terminal);
        let begin = Instant::now();
        while Path::new(&format!("/proc/{program}/exe")).exists() {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "the program lives on (in a turn: {in_a_turn}, {own_session})"
            );
            sleep(Duration::from_millis(50));
        }
    }
}
