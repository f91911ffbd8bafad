{
  # The layers, lowest first. abi may be headers only.
  'variables': {
    'layers': 'abi ring op executor binding',
    # Only a checkout has tsconfig.json (it is not published): a newer compiler's new warning must not fail a user's install.
    'checkout': '<!(node -p "fs.existsSync(\'tsconfig.json\') ? 1 : 0")',
  },
  'conditions': [
    ['OS=="linux"', {
      'targets': [{
        'target_name': 'ringcore',
        'sources': [
          '<!@(node -p "\'<(layers)\'.split(\' \').map(d => \'native/\' + d).filter(d => fs.existsSync(d)).flatMap(d => fs.readdirSync(d).filter(f => f.endsWith(\'.cc\')).sort().map(f => d + \'/\' + f)).join(\' \')")',
        ],
        'include_dirs': ['native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
        'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED',
                    # A worker that is being terminated refuses exceptions too: that is no reason to abort the process.
                    'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
        'cflags': ['-O2', '-Wall', '-Wextra', '-fvisibility=hidden'],
        'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
        'conditions': [
          ['checkout==1', { 'cflags': ['-Werror'] }],
        ],
      }],
    }, {
      # Elsewhere there is nothing to compile: the package passes through to node's own modules.
      'targets': [{ 'target_name': 'ringcore', 'type': 'none' }],
    }],
  ],
}
