import commonjs = require('./commonjs.cjs');
import loaded = require('./index.js');

export = commonjs(loaded);
