//! OPA's WebAssembly module without our wrapper: what the wrapper costs is seen beside it.

use wasmtime::{
    Engine, Error, Extern, Instance, Linker, Memory, MemoryType, Module, Result, Store, TypedFunc,
};

use crate::{
    call::{Call, Outcome},
    measure::Samples,
    opa::outcome,
    peer::Peer,
};

/// The module in wasmtime, with as little as OPA's ABI asks of a host. One instance for all decisions, whose heap is set back before
/// each.
pub(crate) struct Bare {
    store: Store<()>,
    memory: Memory,
    functions: Functions,
    data: i32,
    heap: i32,
}

struct Functions {
    malloc: TypedFunc<i32, i32>,
    heap: TypedFunc<(), i32>,
    set_heap: TypedFunc<i32, ()>,
    parse: TypedFunc<(i32, i32), i32>,
    dump: TypedFunc<i32, i32>,
    eval: TypedFunc<(i32, i32, i32, i32, i32, i32, i32), i32>,
    context: TypedFunc<(), i32>,
    set_input: TypedFunc<(i32, i32), ()>,
    set_data: TypedFunc<(i32, i32), ()>,
    eval_context: TypedFunc<i32, i32>,
    result: TypedFunc<i32, i32>,
}

impl Bare {
    pub(crate) fn load(module: &[u8]) -> Result<Self> {
        let engine = Engine::default();
        let module = Module::new(&engine, module)?;
        let mut store = Store::new(&engine, ());
        let memory = module
            .imports()
            .find_map(|import| import.ty().memory().cloned())
            .ok_or_else(|| Error::msg("the module imports no memory"))?;
        // As much as our wrapper gives it, so that neither grows.
        let memory = MemoryType::new(u32::try_from(memory.minimum())? + 16, None);
        let memory = Memory::new(&mut store, memory)?;
        let mut linker = Linker::new(&engine);
        linker.define(&store, "env", "memory", Extern::Memory(memory))?;
        linker.define_unknown_imports_as_traps(&module)?;
        let instance = linker.instantiate(&mut store, &module)?;
        let functions = Functions::of(&instance, &mut store)?;
        let mut bare = Self {
            store,
            memory,
            functions,
            data: 0,
            heap: 0,
        };
        let address = bare.place("{}")?;
        bare.data = bare.functions.parse.call(&mut bare.store, (address, 2))?;
        bare.heap = bare.functions.heap.call(&mut bare.store, ())?;
        Ok(bare)
    }

    fn place(&mut self, text: &str) -> Result<i32> {
        let address = self
            .functions
            .malloc
            .call(&mut self.store, i32::try_from(text.len())?)?;
        self.memory
            .write(&mut self.store, usize::try_from(address)?, text.as_bytes())?;
        Ok(address)
    }

    fn reset(&mut self, heap: i32) -> Result<()> {
        self.functions.set_heap.call(&mut self.store, heap)
    }

    fn text(&self, address: i32) -> Result<&str> {
        let rest = self
            .memory
            .data(&self.store)
            .get(usize::try_from(address)?..)
            .ok_or_else(|| Error::msg("an address out of bounds"))?;
        let end = rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(|| Error::msg("a text without an end"))?;
        Ok(std::str::from_utf8(rest.get(..end).unwrap_or_default())?)
    }

    /// The answer to an input, as text.
    fn ask(&mut self, input: &str) -> Result<&str> {
        self.reset(self.heap)?;
        let address = self.place(input)?;
        let free = self.functions.heap.call(&mut self.store, ())?;
        let arguments = (
            0,
            0,
            self.data,
            address,
            i32::try_from(input.len())?,
            free,
            0,
        );
        let answer = self.functions.eval.call(&mut self.store, arguments)?;
        self.text(answer)
    }

    fn outcome(&mut self, input: &str) -> Result<Outcome> {
        let answer: serde_json::Value = serde_json::from_str(self.ask(input)?)?;
        Ok(outcome(answer.pointer("/0/result")))
    }

    /// Copies an input in and reads it.
    fn read(&mut self, input: &str) -> Result<i32> {
        self.reset(self.heap)?;
        let address = self.place(input)?;
        let arguments = (address, i32::try_from(input.len())?);
        self.functions.parse.call(&mut self.store, arguments)
    }

    /// Evaluates an input that has been read; the heap behind it is `free`.
    fn evaluate(&mut self, input: i32, free: i32) -> Result<i32> {
        self.reset(free)?;
        let (functions, store) = (&self.functions, &mut self.store);
        let context = functions.context.call(&mut *store, ())?;
        functions.set_input.call(&mut *store, (context, input))?;
        functions.set_data.call(&mut *store, (context, self.data))?;
        functions.eval_context.call(&mut *store, context)?;
        functions.result.call(&mut *store, context)
    }

    /// Times the three things that OPA's module does for a decision.
    pub(crate) fn parts(&mut self, call: &Call, parts: &mut Parts) -> Result<()> {
        let input = call.input();
        let read = self.read(&input)?;
        let free = self.functions.heap.call(&mut self.store, ())?;
        parts.evaluate.turn(|| self.evaluate(read, free));
        let result = self.evaluate(read, free)?;
        let behind = self.functions.heap.call(&mut self.store, ())?;
        parts.print.turn(|| {
            self.reset(behind)?;
            self.functions.dump.call(&mut self.store, result)
        });
        parts.read.turn(|| self.read(&input));
        Ok(())
    }
}

/// What OPA's module does for a decision.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) read: Samples,
    pub(crate) evaluate: Samples,
    pub(crate) print: Samples,
}

impl Functions {
    fn of(instance: &Instance, store: &mut Store<()>) -> Result<Self> {
        macro_rules! function {
            ($name:literal) => {
                instance.get_typed_func(&mut *store, $name)?
            };
        }
        Ok(Self {
            malloc: function!("opa_malloc"),
            heap: function!("opa_heap_ptr_get"),
            set_heap: function!("opa_heap_ptr_set"),
            parse: function!("opa_json_parse"),
            dump: function!("opa_json_dump"),
            eval: function!("opa_eval"),
            context: function!("opa_eval_ctx_new"),
            set_input: function!("opa_eval_ctx_set_input"),
            set_data: function!("opa_eval_ctx_set_data"),
            eval_context: function!("eval"),
            result: function!("opa_eval_ctx_get_result"),
        })
    }
}

impl Peer for Bare {
    fn name(&self) -> String {
        "OPA's module".to_owned()
    }

    fn decide(&mut self, call: &Call) -> Outcome {
        self.outcome(&call.input()).unwrap_or(Outcome::Deny)
    }
}
