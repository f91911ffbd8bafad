import commonjs = require('./commonjs.cjs');
import loaded = require('./register.js');

export = commonjs(loaded);
