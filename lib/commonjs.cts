/**
 * What `require()` gives for an ES module: a plain object that programs may patch, as they patch node's modules.
 *
 * node 22 and later do this by themselves for a module with an export named 'module.exports'; node 20 gives the
 * module's namespace, which nobody can change. Each entry point has a `.cts` file that hands its namespace through here,
 * so there is one build, one instance of each module, and one ring a thread, however it is loaded.
 */
type Loaded<T> = T extends { 'module.exports': infer E } ? E : T;

function commonjs<T extends object>(loaded: T): Loaded<T> {
  return ('module.exports' in loaded ? loaded['module.exports'] : loaded) as Loaded<T>;
}

export = commonjs;
