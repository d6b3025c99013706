"""How JAX compiles in the tests."""

# Tests on JAX are mostly compilation. Without the compiler's costly passes they took 0.6 of
# the time. Read when JAX starts.
QUICK_XLA = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
}
