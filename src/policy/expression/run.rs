//! Evaluating: at once where that is surely quick, else on a thread of its own with a deadline.

use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use cel::common::types::{CelBool, CelList, CelMap, CelMapKey, CelString, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, Value};

use super::Unevaluated;
use super::cost::{Cost, cost};
use super::guard::Compiled;
use super::input::Input;
use super::pattern::{PREFIX, Pattern};

/// How long an evaluation may take.
pub(super) const DEADLINE: Duration = Duration::from_millis(250);

/// The most that an evaluation may hold, in bytes.
pub(super) const MOST_HELD: usize = 64 << 20;

/// Up to this bound in nanoseconds an evaluation is made on the caller's thread.
const AT_ONCE: f64 = 4e6;

/// Beyond this bound in nanoseconds none is begun: what is abandoned at the deadline still ends within seconds.
const MOST_TIME: f64 = 4e9;

/// The greatest height of a tree that is evaluated on the caller's stack, of which it needs 60 KiB (1 MiB without optimisation).
const DEPTH_AT_ONCE: usize = 24;

/// For the highest trees: 200 KiB are needed, 3 MiB without optimisation.
const STACK_BYTES: usize = 16 << 20;

/// How many evaluations that missed their deadline may still be running.
pub(super) const MOST_ABANDONED: usize = 8;

/// The longest message of a failure, in bytes.
const MOST_MESSAGE: usize = 200;

/// Stands for the range of a macro: a list as it is, the keys of a map in order.
pub(super) const ITEMS: &str = "@items";

/// Stands for `matches`, with a pattern compiled beforehand.
pub(super) const MATCHES: &str = "@matches";

/// How many evaluations are still running past their deadline.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Evaluates an expression.
pub(super) fn holds(compiled: &Arc<Compiled>, input: &Input) -> Result<bool, Unevaluated> {
    let Cost { time, held } = cost(compiled, input);
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let fits = time <= MOST_TIME && held <= MOST_HELD as f64;
    if !fits {
        return Err(Unevaluated::Costly);
    }
    if time <= AT_ONCE && compiled.depth <= DEPTH_AT_ONCE {
        return evaluate(compiled, input);
    }
    let (compiled, input) = (Arc::clone(compiled), input.clone());
    within(DEADLINE, &ABANDONED, move || evaluate(&compiled, &input))
}

/// The states of an evaluation on its own thread.
const RUNNING: u8 = 0;
const DONE: u8 = 1;
const LEFT: u8 = 2;

/// Runs `work` on a thread, and leaves it to end by itself when it is late, counted in `abandoned` until then.
pub(super) fn within(
    deadline: Duration,
    abandoned: &'static AtomicUsize,
    work: impl FnOnce() -> Result<bool, Unevaluated> + Send + 'static,
) -> Result<bool, Unevaluated> {
    if abandoned.load(Ordering::SeqCst) >= MOST_ABANDONED {
        return Err(Unevaluated::Deadline);
    }
    let state = Arc::new(AtomicU8::new(RUNNING));
    let (send, receive) = mpsc::sync_channel(1);
    let its_state = Arc::clone(&state);
    let its_work = move || {
        let _ = send.send(work());
        if its_state.swap(DONE, Ordering::SeqCst) == LEFT {
            abandoned.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let builder = thread::Builder::new().name("expression".to_owned()).stack_size(STACK_BYTES);
    builder.spawn(its_work).map_err(|error| Unevaluated::Failed(format!("no thread could be started: {error}")))?;
    match receive.recv_timeout(deadline) {
        Ok(result) => result,
        Err(RecvTimeoutError::Disconnected) => Err(Unevaluated::Failed("its thread ended".to_owned())),
        Err(RecvTimeoutError::Timeout) => {
            // Counted before it is told, so that the thread never takes away what was not added.
            abandoned.fetch_add(1, Ordering::SeqCst);
            if state.swap(LEFT, Ordering::SeqCst) == DONE {
                abandoned.fetch_sub(1, Ordering::SeqCst);
            }
            Err(Unevaluated::Deadline)
        }
    }
}

fn evaluate(compiled: &Compiled, input: &Input) -> Result<bool, Unevaluated> {
    // cel is not ours: should it ever panic, that is no reason to allow, or to end.
    catch_unwind(AssertUnwindSafe(|| {
        let names = Names { input, patterns: &compiled.patterns };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&names);
        let value = Value::resolve_val(&compiled.tree, &context).map_err(|error| Unevaluated::Failed(told(&error)))?;
        match value.downcast_ref::<CelBool>() {
            Some(value) => Ok(*value.inner()),
            None => Err(Unevaluated::NotBoolean(value.get_type().name().to_owned())),
        }
    }))
    .unwrap_or_else(|_| Err(Unevaluated::Failed("the interpreter gave up".to_owned())))
}

/// What an expression can name: the input, and its own patterns.
struct Names<'r> {
    input: &'r Input,
    patterns: &'r [Pattern],
}

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(number) = name.strip_prefix(PREFIX) {
            return self
                .patterns
                .get(number.parse::<usize>().ok()?)
                .map(|pattern| CowVal::Borrowed(pattern as &dyn Val));
        }
        self.input.0.get(name).map(|variable| CowVal::Borrowed(variable.value.as_ref()))
    }
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::default().with_optional_support(false).with_stdlib();
    // Neither name is taken, so neither can fail; and if one did, calling it would.
    let _ = environment.add_overload(ITEMS, ITEMS, vec![DYN_TYPE], items);
    let _ = environment.add_overload(MATCHES, MATCHES, vec![DYN_TYPE, DYN_TYPE], matches);
    Arc::new(environment)
});

fn items<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let range = arguments.into_iter().next().ok_or(ExecutionError::MissingArgumentOrTarget)?;
    let keys = range.downcast_ref::<CelMap<'_>>().map(|map| {
        let mut keys: Vec<CelMapKey<'v>> = map.inner().keys().cloned().collect();
        keys.sort();
        keys
    });
    let Some(keys) = keys else {
        return Ok(range);
    };
    let keys: Vec<Box<dyn Val + 'v>> = keys.into_iter().map(|key| key.inner().clone_as_boxed()).collect();
    Ok(CowVal::owned(CelList::from(keys)))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is cel's")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, pattern] = arguments.as_slice() else {
        return Err(ExecutionError::MissingArgumentOrTarget);
    };
    match (text.downcast_ref::<CelString<'_>>(), pattern.downcast_ref::<Pattern>()) {
        (Some(text), Some(pattern)) => Ok(CowVal::owned(CelBool::from(pattern.regex.is_match(text.inner())))),
        _ => {
            let kinds = vec![text.get_type().name().to_owned(), "string".to_owned()];
            Err(ExecutionError::no_such_member_overload("matches", kinds))
        }
    }
}

/// Why an evaluation failed, in few words. Never shows values: they may be long, and a map has no order.
fn told(error: &ExecutionError) -> String {
    let mut message = Short(String::new());
    let written = match error {
        ExecutionError::NoSuchKey(key) => write!(message, "there is no `{key}`"),
        ExecutionError::UndeclaredReference(name) => write!(message, "there is no `{name}`"),
        ExecutionError::NoSuchOverload(call) => {
            let operator = call.function().trim_matches('_').trim_start_matches('@');
            write!(message, "`{operator}` does not take {}", call.argument_types().join(" and "))
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            write!(message, "`{operator}` does not take {} and {}", kind(left), kind(right))
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            write!(message, "{} and {} cannot be compared", kind(left), kind(right))
        }
        ExecutionError::UnexpectedType { got, want } => write!(message, "a value is of kind {got}, not {want}"),
        ExecutionError::UnsupportedKeyType(key) => write!(message, "a value of kind {} cannot be a key", kind(key)),
        ExecutionError::UnsupportedIndex(index, _) => write!(message, "{} cannot be an index", kind(index)),
        ExecutionError::IndexOutOfBounds(_) => write!(message, "a list has no element of that number"),
        ExecutionError::DuplicateKey(_) => write!(message, "a map has the same key twice"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => write!(message, "division by zero"),
        ExecutionError::Overflow(..) => write!(message, "a number is too large"),
        ExecutionError::FunctionError { function, message: reason } => write!(message, "`{function}`: {reason}"),
        _ => write!(message, "an operation does not take its operands"),
    };
    if written.is_err() {
        message.0.push('…');
    }
    message.0
}

fn kind(value: &Value) -> String {
    value.type_of().to_string()
}

/// A text that takes no more once it is long.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = MOST_MESSAGE.saturating_sub(self.0.len());
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=left).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(fmt::Error)
    }
}
