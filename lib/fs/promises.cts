import commonjs = require('../commonjs.cjs');
import loaded = require('./promises.js');

export = commonjs(loaded);
