// SPDX-License-Identifier: Apache-2.0
// A warning of Node is a defect somebody has not met yet (a leaked listener, a deprecated call):
// thrown outside any test, it fails the run.
process.on('warning', (warning) => {
  throw warning
})
