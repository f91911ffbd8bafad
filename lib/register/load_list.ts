/**
 * Which of node's own modules have been loaded: as long as one has not, nobody in there can be asking.
 *
 * @module
 */

const { moduleLoadList } = process as { moduleLoadList?: string[] };

/** Whether one of them has been loaded. Node's modules have had several names. */
export function hasLoaded(names: string[]): boolean {
  return names.some((name) => moduleLoadList?.includes(`NativeModule ${name}`) ?? true);
}

/** As {@link hasLoaded}, to be asked often: looks again only when the list has grown. */
export function onceLoaded(...names: string[]): () => boolean {
  let seen = 0;
  let loaded = false;
  return () => {
    if (!loaded && moduleLoadList?.length !== seen) {
      seen = moduleLoadList?.length ?? 0;
      loaded = hasLoaded(names);
    }
    return loaded;
  };
}
