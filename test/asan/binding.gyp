{
  # The addon under AddressSanitizer and UndefinedBehaviorSanitizer: built on demand (scripts/asan.mjs), never published.
  'targets': [{
    'target_name': 'ringcore',
    'sources': [
      '<!@(node -p "const root = \'../../native/\'; \'abi ring op executor binding\'.split(\' \').flatMap(d => fs.readdirSync(root + d).filter(f => f.endsWith(\'.cc\')).sort().map(f => root + d + \'/\' + f)).join(\' \')")',
    ],
    'include_dirs': ['../../native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
    'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED',
                'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    # Node itself is not instrumented: libasan comes by LD_PRELOAD. vptr needs RTTI.
    'cflags': ['-O1', '-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize=vptr',
               '-fno-sanitize-recover=all', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
    'ldflags': ['-fsanitize=address,undefined'],
  }],
}
