// oneDNN's planning of a whole TorchScript function, which libtorch offers to Python alone. Only what is needed
// is declared, so that this compiles in a moment; where a libtorch lacks it, nothing is planned.

#include <functional>
#include <memory>

namespace torch::jit {
struct Graph;
using GraphPass = std::function<void(std::shared_ptr<Graph> &)>;
__attribute__((weak)) unsigned registerPostPass(GraphPass);
namespace tracer {
__attribute__((weak)) void abandon();
}
namespace fuser::onednn {
__attribute__((weak)) void fuseGraph(std::shared_ptr<Graph> &);
}
} // namespace torch::jit

namespace {
// libtorch asks every pass about every function, the user's too: only those of this thread are meant.
thread_local bool planning = false;

void plan(std::shared_ptr<torch::jit::Graph> &graph) {
  if (planning)
    torch::jit::fuser::onednn::fuseGraph(graph);
}
} // namespace

extern "C" {
// Whether functions that this thread runs for the second time are planned from now on; false where none can be.
bool convscope_plan(bool from_now_on) {
  using namespace torch::jit;
  if (!registerPostPass || !fuser::onednn::fuseGraph || !tracer::abandon)
    return false;
  static const unsigned registered = registerPostPass(plan);
  (void)registered;
  planning = from_now_on;
  return true;
}

// Ends a trace that failed, or this thread could begin no other.
void convscope_abandon_trace() {
  if (torch::jit::tracer::abandon)
    torch::jit::tracer::abandon();
}
}
