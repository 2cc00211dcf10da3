//! Runs that come again and again in the same form are planned by oneDNN as a whole: each layer is described to it
//! once instead of at every call, which costs more than a small layer itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::{CModule, Device, TchError, Tensor};

use super::trace::trace;
use super::{ROOM, graph};
use crate::batching::free;
use crate::network::Network;

/// A plan takes as long as two runs and up to a second, and saves some hundredths to half of each: after so many
/// runs it costs little where it comes too late. 512 maps in batches, as of Score-CAM, are fewer.
const REPETITIONS: usize = 100;

/// How many forms are remembered. A plan has the weights in an order of its own.
const FORMS: usize = 4;

/// How far a planned run may be from a run layer by layer, of the largest value.
const TOLERANCE: f64 = 1e-4;

/// The runs of a network, by form.
#[derive(Default)]
pub(super) struct Plans(Mutex<Vec<Known>>);

/// From which nodes' values, of which shapes and strides, to which node's.
#[derive(Clone, PartialEq)]
pub(super) struct Form {
    given: Vec<(usize, Vec<i64>, Vec<i64>)>,
    pub(super) wanted: usize,
}

/// The one that was seen last comes last.
struct Known {
    form: Form,
    state: State,
}

enum State {
    /// How many runs there were.
    Repeated(usize),
    /// Being planned, or without a plan for good.
    Unplanned,
    Planned(Arc<Plan>),
}

/// A run as a function, which keeps its parameters, and where these lie in memory.
pub(super) struct Plan {
    function: CModule,
    parameters: Vec<usize>,
}

impl Form {
    pub(super) fn new(given: &[(usize, &Tensor)], wanted: usize) -> Form {
        let given = given.iter().map(|(node, value)| (*node, value.size(), value.stride()));
        Form { given: given.collect(), wanted }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = usize> {
        self.given.iter().map(|(node, ..)| *node)
    }

    fn parameters<'a>(&self, net: &'a Network) -> impl Iterator<Item = &'a Tensor> {
        let nodes = net.nodes().iter().take(self.wanted + 1);
        nodes.flat_map(|node| node.op.operation().parameters()).map(|(_, tensor)| tensor)
    }
}

impl Plans {
    /// The plan for runs of this form, if there is one.
    pub(super) fn get(&self, net: &Network, form: &Form) -> Option<Arc<Plan>> {
        let mut known = self.known();
        let at = known.iter().position(|known| known.form == *form)?;
        known[at..].rotate_left(1);
        match &known.last()?.state {
            State::Planned(plan) if plan.holds_parameters_of(net, form) => Some(plan.clone()),
            _ => None,
        }
    }

    /// To be told of each run layer by layer, with its value. Whether there is a plan from now on.
    pub(super) fn repeated(
        &self,
        net: &Network,
        form: Form,
        given: &[(usize, &Tensor)],
        value: &Tensor,
    ) -> bool {
        let (mut known, mut state) = (self.known(), State::Repeated(0));
        if let Some(at) = known.iter().position(|known| known.form == form) {
            state = known.remove(at).state;
        }
        if let State::Repeated(times) = &mut state {
            *times += 1;
        }
        let due = matches!(state, State::Repeated(REPETITIONS..));
        if due {
            state = State::Unplanned;
        }
        // The one that was seen the longest ago makes place.
        let first = (known.len() + 1).saturating_sub(FORMS);
        known.drain(..first);
        known.push(Known { form: form.clone(), state });
        // Other threads go on without a plan meanwhile.
        drop(known);
        let plan = if due { Plan::new(net, &form, given, value).ok().flatten() } else { None };
        let mut known = self.known();
        match (plan, known.iter_mut().find(|known| known.form == form)) {
            (Some(plan), Some(known)) => {
                known.state = State::Planned(Arc::new(plan));
                true
            }
            _ => false,
        }
    }

    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    /// Nothing where memory is short, or where oneDNN's plan gives another value.
    fn new(
        net: &Network,
        form: &Form,
        given: &[(usize, &Tensor)],
        value: &Tensor,
    ) -> Result<Option<Plan>, TchError> {
        let bytes = |tensor: &Tensor| (tensor.numel() * tensor.kind().elt_size_in_bytes()) as u64;
        let weights: u64 = form.parameters(net).map(bytes).sum();
        let Some(room) = free(Device::Cpu).checked_sub(ROOM.saturating_add(weights)) else {
            return Ok(None);
        };
        let pictures = value.size().first().copied().unwrap_or(1);
        // A trace holds all its values, so it is of one picture; and of zeros, so that what it took for
        // constant by mistake would show in the value.
        let one = |(_, value): &(usize, &Tensor)| value.f_narrow(0, 0, 1)?.f_zeros_like();
        let examples = given.iter().map(one).collect::<Result<Vec<Tensor>, _>>()?;
        let trace = |given: &[Tensor]| trace(net, form, given, pictures, room);
        let Some(function) = graph::function(&examples, trace)? else { return Ok(None) };
        let inputs: Vec<&Tensor> = given.iter().map(|(_, value)| *value).collect();
        let planned = graph::plan(&function, &inputs)?;
        let agrees = planned.size() == value.size() && {
            let largest = |x: &Tensor| x.f_abs()?.f_max()?.f_double_value(&[]);
            largest(&planned.f_sub(value)?)? <= TOLERANCE * largest(value)?
        };
        let parameters = form.parameters(net).map(address).collect();
        Ok(agrees.then_some(Plan { function, parameters }))
    }

    fn holds_parameters_of(&self, net: &Network, form: &Form) -> bool {
        form.parameters(net).map(address).eq(self.parameters.iter().copied())
    }

    pub(super) fn run(&self, given: &[(usize, &Tensor)]) -> Result<Tensor, TchError> {
        let inputs: Vec<&Tensor> = given.iter().map(|(_, value)| *value).collect();
        self.function.forward_ts(&inputs)
    }
}

fn address(tensor: &Tensor) -> usize {
    tensor.data_ptr() as usize
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::network::{Builder, Conv2d, NodeId, Pool};

    type Tested = Result<(), Box<dyn std::error::Error>>;

    /// A skip, a depthwise layer, two branches, and a linear layer of few rows.
    fn network() -> crate::Result<Network> {
        let mut b = Network::builder("branches", [3, 12, 10]);
        let layer = |b: &mut Builder, from: NodeId, name: &str, conv| {
            let x = b.conv2d(from, &format!("{name}.conv"), conv);
            let x = b.batch_norm(x, &format!("{name}.bn"));
            b.relu(x, name)
        };
        let image = b.input();
        let first = layer(&mut b, image, "first", Conv2d::new(16, 3).padding(1));
        let deep = layer(&mut b, first, "deep", Conv2d::new(16, 3).padding(1).groups(16));
        let sum = b.add(deep, first, "sum");
        let left = layer(&mut b, sum, "left", Conv2d::new(8, 1));
        let right = layer(&mut b, sum, "right", Conv2d::new(8, 3).padding(1));
        let x = b.concat(&[left, right], "concat");
        let x = b.max_pool(x, "pool", Pool::new(2, 2));
        let x = b.flatten(x, "flatten");
        b.linear(x, "fc", 5);
        b.build()
    }

    fn input(pictures: i64) -> Tensor {
        Tensor::randn([pictures, 3, 12, 10], (Kind::Float, Device::Cpu))
    }

    fn plans(net: &Network) -> usize {
        let plans = &net.packed.as_ref().expect("made for inference").plans;
        plans.known().iter().filter(|known| matches!(known.state, State::Planned(_))).count()
    }

    fn assert_close(a: &Tensor, b: &Tensor) {
        let off = (a - b).abs().max().double_value(&[]);
        assert!(a.size() == b.size() && off < 1e-5, "{:?} and {:?}: {off}", a.size(), b.size());
    }

    /// The runs after which a form has its plan, and some that use it.
    fn run_often(run: impl Fn() -> Tested) -> Tested {
        (0..REPETITIONS + 3).try_for_each(|_| run())
    }

    #[test]
    fn forms_that_come_again_are_planned_and_give_the_same() -> Tested {
        let net = network()?;
        let fast = net.for_inference()?;
        if fast.packed.is_none() || !graph::is_there() {
            println!("skipped: this libtorch can't plan");
            return Ok(());
        }
        for (pictures, planned) in [(1, 1), (3, 2)] {
            run_often(|| {
                let input = input(pictures);
                assert_close(&fast.forward(&input)?, &net.forward(&input)?);
                Ok(())
            })?;
            assert_eq!(plans(&fast), planned);
        }
        // From a layer in the middle on, to one before the end.
        let maps = net.activations(&input(2), &["sum"])?.remove(0);
        run_often(|| {
            assert_close(&fast.forward_from("sum", &maps)?, &net.forward_from("sum", &maps)?);
            Ok(())
        })?;
        run_often(|| {
            let input = input(1);
            let [ours, theirs] = [&fast, &net].map(|net| net.activations(&input, &["right"]));
            assert_close(&ours?[0], &theirs?[0]);
            Ok(())
        })?;
        assert_eq!(plans(&fast), 4);
        // What was planned is no longer right for other weights.
        let other = fast.reinitialized(0..fast.nodes().len(), 1)?;
        let one = input(1);
        assert!((other.forward(&one)? - fast.forward(&one)?).abs().max().double_value(&[]) > 1e-3);
        Ok(())
    }

    #[test]
    fn what_is_no_number_stays_none_in_a_planned_form() -> Tested {
        let fast = network()?.for_inference()?;
        run_often(|| {
            assert!(fast.forward(&input(1))?.isfinite().all().int64_value(&[]) == 1);
            Ok(())
        })?;
        let nan = input(1).f_fill(f64::NAN)?;
        assert!(fast.forward(&nan)?.isnan().all().int64_value(&[]) == 1);
        Ok(())
    }

    #[test]
    fn a_trace_that_fails_leaves_room_for_another() -> Tested {
        let fail = |_: &[Tensor]| Err(TchError::Torch("on purpose".to_owned()));
        for _ in 0..2 {
            match graph::function(&[input(1)], fail) {
                Err(error) => assert!(error.to_string().contains("on purpose"), "{error}"),
                Ok(function) => assert!(function.is_none()),
            }
        }
        Ok(())
    }
}
