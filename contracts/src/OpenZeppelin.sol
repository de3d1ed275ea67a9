// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Deployed as OpenZeppelin wrote it; named here so that its ABI and bytecode are exported with ours.
// forge-lint: disable-next-line(unused-import)
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
