;; Has the host write the request where there is no memory.
;; error: beyond end of memory
;; part realloc
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (i32.const 0xfffffff0))
