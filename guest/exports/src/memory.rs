//! The memory of an instance: where the plan lies, and the arena behind it.
//!
//! The arena is a pointer that moves up. It moves back when an export returns. The statics are atomics because those need no
//! `unsafe`; the module has one thread, and they compile to plain loads and stores.
#![allow(
    unsafe_code,
    reason = "the canonical ABI passes addresses, and an allocator hands them out"
)]

use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32,
    ptr,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
};

use hexgate_eval::plan::layout;

use crate::abi::ANSWER;

/// Bytes of a page of WebAssembly memory.
const PAGE: usize = 65_536;
/// What every allocation of the arena that is not aligned otherwise begins at a multiple of.
const ALIGN: usize = 16;

/// Where the arena begins; 0 before the first call.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// The first free byte; 0 once an export has returned.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// What every export returns the address of: room for the largest result, aligned as the strictest one asks. Behind it stands where in
/// the arena the result's own texts begin and end: its host may still be reading them when the next call begins. A host that knows this
/// module by its bytes wipes them once it has read them.
#[repr(align(8))]
struct Answer([AtomicU32; ANSWER + 2]);

static ANSWERED: Answer = Answer([const { AtomicU32::new(0) }; ANSWER + 2]);

unsafe extern "C" {
    /// The end of stack and data, from the linker.
    static __heap_base: u8;
}

#[global_allocator]
static ARENA: Arena = Arena;

/// Allocates by moving the pointer up and frees nothing: the end of the call does.
struct Arena;

// SAFETY: `take` and `resize` return memory that nothing else has, of the size and alignment asked for, or null.
unsafe impl GlobalAlloc for Arena {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size(), layout.align())
    }

    #[inline]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        resize(old, layout.size(), layout.align(), size)
    }
}

/// Memory for the values that a host passes. Traps if the memory cannot grow.
#[unsafe(no_mangle)]
extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    // The canonical ABI only asks for powers of two up to 8; anything else would be a host that does not speak it.
    if !matches!(align, 1 | 2 | 4 | 8) {
        wasm32::unreachable()
    }
    let block = if old_size == 0 {
        take(size, align)
    } else {
        resize(old, old_size, align, size)
    };
    if block.is_null() {
        wasm32::unreachable()
    }
    block
}

/// Begins a call, unless the host has begun it by placing something: what the last one left is wiped.
#[inline]
pub fn begin() -> usize {
    begin_behind(0)
}

/// As [`begin`], where the host may have placed something up to `end` without asking for room: a host that knows this module by its
/// bytes knows where the arena begins, and need not call for what it will be told.
#[inline]
pub(crate) fn begin_behind(end: usize) -> usize {
    let next = NEXT.load(Relaxed);
    if next == 0 { restart(end) } else { next }
}

#[inline(never)]
fn restart(end: usize) -> usize {
    let base = match BASE.load(Relaxed) {
        0 => {
            let base = align_up(heap_base().wrapping_add(plan_len()), ALIGN);
            BASE.store(base, Relaxed);
            base
        }
        base => base,
    };
    let next = base.max(end);
    let [.., start, end] = &ANSWERED.0;
    wipe(
        (start.load(Relaxed) as usize).max(next),
        end.load(Relaxed) as usize,
    );
    end.store(0, Relaxed);
    NEXT.store(next, Relaxed);
    next
}

/// Ends a call with a result: wipes the arena up to `wiped`, and remembers that what is above `kept` belongs to the result. What
/// lies between the two, the caller has wiped.
#[inline(never)]
pub fn finish(words: &[u32; ANSWER], wiped: usize, kept: usize) -> *const AtomicU32 {
    let end = NEXT.load(Relaxed);
    let texts = [kept as u32, end as u32];
    for (place, word) in ANSWERED.0.iter().zip(words.iter().chain(&texts)) {
        place.store(*word, Relaxed);
    }
    wipe(BASE.load(Relaxed), wiped);
    NEXT.store(0, Relaxed);
    ANSWERED.0.as_ptr()
}

/// Ends a call whose result is a number: wipes all of the arena that was used.
pub fn end() {
    wipe(BASE.load(Relaxed), NEXT.load(Relaxed));
    NEXT.store(0, Relaxed);
}

/// Sets aside room for `count` zeroed or stale items of plain words at the arena's end. None: the memory cannot grow.
#[inline]
pub fn scratch<T: Word>(count: usize) -> Option<&'static mut [T]> {
    let block = take(count.checked_mul(size_of::<T>())?, ALIGN);
    if block.is_null() {
        return None;
    }
    // SAFETY: the arena has just handed the block out, aligned and large enough; WebAssembly memory is always initialised and any
    // bits are a `T`. The reference is dropped before the call ends, which is when the block is used again.
    Some(unsafe { core::slice::from_raw_parts_mut(block.cast::<T>(), count) })
}

/// Types of which any bits are a value.
///
/// # Safety
/// Only for integers and arrays of them, aligned to at most 16.
pub unsafe trait Word {}
// SAFETY: integers.
unsafe impl Word for u8 {}
// SAFETY: integers.
unsafe impl Word for u32 {}
// SAFETY: an array of integers.
unsafe impl Word for [u32; 4] {}

/// The bytes of the plan, without what may follow it. Empty: there is none.
#[inline]
pub fn plan() -> &'static [u8] {
    let len = plan_len();
    // SAFETY: `plan_len` has made sure that so many bytes lie there. Only instantiation writes them: the arena begins behind.
    unsafe { core::slice::from_raw_parts(ptr::with_exposed_provenance(heap_base()), len) }
}

/// The first free byte.
#[inline]
pub fn next() -> usize {
    NEXT.load(Relaxed)
}

/// A list that the host has passed.
#[inline]
pub fn list<'a, T>(start: *const T, len: usize) -> &'a [T] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the canonical ABI: the host has placed `len` items at `start`, which `cabi_realloc` gave it, aligned, for this call.
    unsafe { core::slice::from_raw_parts(start, len) }
}

/// A string that the host has passed.
#[inline]
pub fn text<'a>(start: *const u8, len: usize) -> &'a str {
    // SAFETY: the canonical ABI: what a host passes as a string is UTF-8, which it checks or produces.
    unsafe { core::str::from_utf8_unchecked(list(start, len)) }
}

fn heap_base() -> usize {
    let base: *const u8 = &raw const __heap_base;
    base.expose_provenance()
}

/// How many bytes of plan there are: what its header says, if it is one and so much memory was there at the first call.
#[inline]
fn plan_len() -> usize {
    match BASE.load(Relaxed) {
        0 => declared_len(),
        base => base.wrapping_sub(heap_base()),
    }
}

fn declared_len() -> usize {
    let (start, end) = (heap_base(), memory_end());
    if end.wrapping_sub(start) < 16 {
        return 0;
    }
    // SAFETY: sixteen bytes lie there, initialised as all memory is.
    let header: &[u8; 16] = unsafe { &*ptr::with_exposed_provenance(start) };
    let [m0, m1, m2, m3, _, _, _, _, l0, l1, l2, l3, ..] = *header;
    let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if [m0, m1, m2, m3] == layout::MAGIC && len <= layout::MAX_LEN && len <= end.wrapping_sub(start)
    {
        len
    } else {
        0
    }
}

/// The end of the memory. Never more than 65,535 pages: `grow_to` stops there, so that it fits.
#[inline]
fn memory_end() -> usize {
    wasm32::memory_size(0).saturating_mul(PAGE)
}

/// Takes `size` bytes. Null: the memory cannot grow.
#[inline(never)]
fn take(size: usize, align: usize) -> *mut u8 {
    let start = align_up(begin(), align);
    if !move_to(start.checked_add(size)) {
        return ptr::null_mut();
    }
    ptr::with_exposed_provenance_mut(start)
}

/// Takes more (or less) bytes for what `old` holds: where it is, if it is the last block. Null: the memory cannot grow.
#[inline(never)]
fn resize(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    let (start, end) = (old.addr(), old.addr().wrapping_add(old_size));
    if begin() == end {
        if !move_to(start.checked_add(size)) {
            return ptr::null_mut();
        }
        // What a block gives back lies beyond the pointer and would not be wiped at the end.
        wipe(start.wrapping_add(size), end);
        return old;
    }
    let block = take(size, align);
    if !block.is_null() {
        // SAFETY: both blocks came from the arena, have at least so many bytes, and do not overlap.
        unsafe { ptr::copy_nonoverlapping(old, block, old_size.min(size)) };
    }
    block
}

/// Moves the pointer, growing the memory where needed. False: that cannot be.
#[inline]
fn move_to(next: Option<usize>) -> bool {
    let Some(next) = next else { return false };
    if next > memory_end() && !grow_to(next) {
        return false;
    }
    NEXT.store(next, Relaxed);
    true
}

#[cold]
fn grow_to(end: usize) -> bool {
    let pages = end.div_ceil(PAGE);
    let more = pages.saturating_sub(wasm32::memory_size(0));
    pages < PAGE && wasm32::memory_grow(0, more) != usize::MAX
}

/// Zeroes the bytes from `start` to `end`, if `end` is behind `start`.
#[inline]
fn wipe(start: usize, end: usize) {
    if start < end {
        // SAFETY: both lie in the arena, between the plan and the pointer, where no reference is held any more.
        unsafe {
            ptr::with_exposed_provenance_mut::<u8>(start).write_bytes(0, end.wrapping_sub(start))
        };
    }
}

const fn align_up(at: usize, align: usize) -> usize {
    at.wrapping_add(align.wrapping_sub(1)) & align.wrapping_neg()
}
