{
  # The addon with the fault layer between it and the kernel: io_uring's three system calls are those of
  # fault_layer.cc, all else is the addon's own sources. Built on demand (scripts/fault_addon.mjs), never published.
  'variables': {
    'sanitizer%': '',
  },
  'targets': [{
    'target_name': 'ringcore',
    'sources': [
      'fault_layer.cc',
      '<!@(node -p "const root = \'../../native/\'; \'ring op executor binding\'.split(\' \').flatMap(d => fs.readdirSync(root + d).filter(f => f.endsWith(\'.cc\')).sort().map(f => root + d + \'/\' + f)).join(\' \')")',
    ],
    'include_dirs': ['../../native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
    'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED',
                'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    'cflags': ['-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
  }],
}
