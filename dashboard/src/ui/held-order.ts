/**
 * Keeps a list still while a person is at it: nothing moves under the cursor or the focus. New entries wait and are
 * counted; entries that are gone leave at once only when the list is let go.
 */
import { computed, ref, watch } from 'vue';

/**
 * @param shown ids in the order they are shown
 * @param wanted ids in the order they should have
 * @returns what to show, and how many wait
 */
export function holdOrder(
  shown: readonly string[],
  wanted: readonly string[],
  held: boolean,
): { readonly shown: readonly string[]; readonly waiting: number } {
  if (!held) return { shown: wanted, waiting: 0 };
  const visible = new Set(shown);
  return { shown, waiting: wanted.reduce((count, id) => count + (visible.has(id) ? 0 : 1), 0) };
}

/** `held` is set by the pointer and the focus; `accept` takes the waiting entries in. */
export function useHeldOrder(wanted: () => readonly string[]) {
  const pointer = ref(false);
  const focus = ref(false);
  const held = computed(() => pointer.value || focus.value);
  const shown = ref<readonly string[]>(wanted());
  const waiting = ref(0);
  const update = (hold: boolean) => {
    const next = holdOrder(shown.value, wanted(), hold);
    shown.value = next.shown;
    waiting.value = next.waiting;
  };
  watch([wanted, held], () => update(held.value));
  const listeners = {
    pointerenter: () => {
      pointer.value = true;
    },
    pointerleave: () => {
      pointer.value = false;
    },
    focusin: () => {
      focus.value = true;
    },
    focusout: (event: FocusEvent) => {
      const root = event.currentTarget as Element;
      focus.value = event.relatedTarget instanceof Node && root.contains(event.relatedTarget);
    },
  };
  return { shown, waiting, accept: () => update(false), listeners };
}
